import ArgumentParser
import Foundation
import LeatArchive
import LeatCore
import LeatEngine
import Logging
import PGWire

struct ArchiveExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write an archive's changes as JSON, one a line; values are in it.")

    @OptionGroup var archive: ArchiveFolderOption

    @Option(help: "Tables: schema.table with * and ?; repeatable, or with commas.")
    var table: [String] = []

    @Option(help: "Only what is later than this moment: an LSN or a time.")
    var from: String?

    @Option(help: "Only what is not later than this moment.")
    var until: String?

    @Option(help: "File to write; default: standard output.")
    var output: String?

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let patterns = try TableOptions.patterns(table, option: "--table")
            let file = try OutputFile(output)
            try archive.reading { folder in
                var scan = try ArchiveScan(
                    folder, from: from.map { try MomentText.moment($0, option: "--from") },
                    until: until.map { try MomentText.moment($0, option: "--until") })
                var lines = JSONLines(wantsMessages: patterns.isEmpty) { name in
                    patterns.isEmpty || patterns.contains { $0.matches(name) }
                }
                var bar = ProgressBar("exporting")
                while let batch = try scan.next() {
                    guard try file.write(lines.lines(of: batch)) else { return }
                    let (read, end) = scan.progress
                    bar.show(
                        read.rawValue - min(read.rawValue, scan.beginning.rawValue),
                        of: end.rawValue - scan.beginning.rawValue)
                }
                bar.finish()
            }
            try file.finish()
        }
    }
}

/// Where an export goes.
private final class OutputFile {
    private let descriptor: Int32
    private let path: String?

    init(_ path: String?) throws(Halt) {
        self.path = path
        guard let path else {
            descriptor = STDOUT_FILENO
            // A reader that has seen enough is no reason to die.
            signal(SIGPIPE, SIG_IGN)
            return
        }
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(path) }
    }

    /// - Returns: False if nobody reads any more.
    func write(_ bytes: [UInt8]) throws(Halt) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let written = bytes.withUnsafeBytes { buffer in
                Foundation.write(descriptor, buffer.baseAddress! + offset, buffer.count - offset)
            }
            if written < 0, errno == EINTR { continue }
            if written < 0, errno == EPIPE, path == nil { return false }
            guard written > 0 else { throw Self.failure(path ?? "standard output") }
            offset += written
        }
        return true
    }

    func finish() throws(Halt) {
        guard let path else { return }
        guard fsync(descriptor) == 0, close(descriptor) == 0 else { throw Self.failure(path) }
    }

    private static func failure(_ path: String) -> Halt {
        Halt(.localDisk, "Cannot write \(path): \(String(cString: strerror(errno))).")
    }
}
