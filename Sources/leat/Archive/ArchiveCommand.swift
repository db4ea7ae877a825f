import ArgumentParser
import Foundation
import LeatArchive
import LeatCore
import LeatEngine
import PGWire

struct ArchiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive",
        abstract:
            "Look into an archive, prove it, prune it, export it, copy it; no server is needed.",
        subcommands: [
            ArchiveListCommand.self, ArchiveInfoCommand.self, ArchiveVerifyCommand.self,
            ArchiveLogCommand.self, ArchivePruneCommand.self, ArchiveExportCommand.self,
            ArchiveCopyCommand.self,
        ])
}

/// Which archive.
struct ArchiveFolderOption: ParsableArguments {
    @Argument(help: "Folder of the archive.")
    var archive: String

    func folder() throws(Halt) -> ArchiveFolder { ArchiveFolder(try Folder.path(archive)) }

    /// - Throws: ``Halt`` in place of an ``ArchiveError``.
    func reading<Value>(_ body: (ArchiveFolder) throws -> Value) throws -> Value {
        let folder = try folder()
        do { return try body(folder) } catch let error as ArchiveError {
            throw Halt(error, archive: folder.path)
        }
    }
}

/// A bar on the terminal for what takes long.
struct ProgressBar {
    private let title: String
    private var next = ContinuousClock.now

    private static let interval: Duration = .milliseconds(200)
    private static let width = 30

    init(_ title: String) {
        self.title = title
    }

    mutating func show(_ done: UInt64, of total: UInt64) {
        guard Terminal.shared.isInteractive, ContinuousClock.now >= next else { return }
        next = .now + ProgressBar.interval
        let share = total == 0 ? 1 : min(1, Double(done) / Double(total))
        let filled = Int(share * Double(ProgressBar.width))
        let bar =
            String(repeating: "#", count: filled)
            + String(repeating: ".", count: ProgressBar.width - filled)
        Terminal.shared.show(["\(title) [\(bar)] \(Int(share * 100))%"])
    }

    func finish() {
        Terminal.shared.show([])
    }
}

/// Rows of words as aligned columns.
enum Columns {
    /// - Parameter right: Those that are numbers.
    static func lines(_ rows: [[String]], right: Set<Int> = []) -> [String] {
        guard let first = rows.first else { return [] }
        let widths = first.indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.indices.map { column in
                let padding = String(
                    repeating: " ", count: max(0, widths[column] - row[column].count))
                return right.contains(column) ? padding + row[column] : row[column] + padding
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}

/// Times as archives have them, for people and for JSON.
enum TimeText {
    static func seconds(_ unix: Int) -> String {
        let time = PostgresTimestamp(unixMicroseconds: Int64(unix) * 1_000_000)
        return String(time.rfc3339.prefix(19)) + "Z"
    }

    /// To the second.
    static func short(_ time: PostgresTimestamp?) -> String {
        time.map { String($0.rfc3339.prefix(19)) + "Z" } ?? "-"
    }
}
