import ArgumentParser
import LeatArchive
import LeatCore
import LeatEngine
import Logging

struct ArchiveVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Prove that an archive is whole, or say what of it is still usable.",
        discussion: """
            Exit code 5 if anything is damaged or missing, or if rows have changed on the source \
            without being sent and no base has them yet.
            """)

    @OptionGroup var archive: ArchiveFolderOption

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            var bar = ProgressBar("verifying")
            let report = try archive.reading { folder in
                logger.warn(ofArchive: try FolderCheck.requireTrusted(folder.path))
                return try ArchiveVerifier(folder).run { bar.show(UInt64($0), of: UInt64($1)) }
            }
            bar.finish()
            let text = VerifyText(report)
            if json {
                try JSONOutput.print(text)
            } else {
                print(lines: text.lines)
            }
            guard report.problems.isEmpty else {
                throw Halt(
                    .differencesFound, "The archive is damaged in \(report.problems.count) places.",
                    advice: "Replays are refused where they would meet them.")
            }
            guard report.isWhole else {
                throw Halt(
                    .differencesFound,
                    "The archive may have other rows than its source, and no base that makes up for it.",
                    advice: """
                        Record a new base: leat record --new-base. Until then it is usable as far \
                        as is said above; replays stop there.
                        """)
            }
        }
    }
}

/// What `archive verify` prints.
struct VerifyText: Encodable {
    var isWhole: Bool
    var segments: Int
    var frames: Int
    var transactions: Int
    var changes: Int
    var bytes: Int
    var uncountedBytes: Int
    var problems: [ArchiveVerifier.Problem]
    var doubts: [ArchiveDoubtText]
    var usable: [ArchiveVerifier.Range]
    var bases: [String]
    var unproven: [String]

    init(_ report: ArchiveVerifier.Report) {
        isWhole = report.isWhole
        segments = report.segments
        frames = report.frames
        transactions = report.transactions
        changes = report.changes
        bytes = report.bytes
        uncountedBytes = report.uncountedBytes
        problems = report.problems
        doubts = report.doubts.map { ArchiveDoubtText($0) }
        usable = report.usable
        bases = report.bases.map { "\($0)" }
        unproven = report.unproven
    }

    var lines: [String] {
        var lines = [
            "\(segments) segments, \(frames) frames, \(transactions) transactions, "
                + "\(changes) changes, \(Units.bytes(UInt64(bytes)))"
        ]
        if uncountedBytes > 0 {
            lines.append("\(uncountedBytes) bytes behind the stored position do not count")
        }
        for problem in problems {
            let extent = problem.bytes > 0 ? ", \(problem.bytes) bytes" : ""
            lines.append(
                "damaged: \(problem.file) at byte \(problem.offset)\(extent): \(problem.problem)")
        }
        for doubt in doubts { lines.append("doubtful: \(doubt.text)") }
        for range in usable { lines.append("usable: \(range.from) to \(range.to)") }
        for base in bases { lines.append("usable: base \(base)") }
        for file in unproven {
            lines.append("not proven: \(file), of an earlier version, has no checksum")
        }
        if isWhole { lines.append(doubts.isEmpty ? "whole" : "whole, but for what is doubtful") }
        return lines
    }
}
