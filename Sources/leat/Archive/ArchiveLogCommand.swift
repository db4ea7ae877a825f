import ArgumentParser
import LeatArchive
import LeatCore
import LeatEngine
import Logging
import PGWire

struct ArchiveLogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Tell the life of one row: when it came, what changed, when it went.",
        discussion: """
            The key is that of the replica identity, one argument a column, as the table has it at \
            the beginning of what is read; where the key changes, the row is followed. Values are \
            shown with --show-values only.
            """)

    @OptionGroup var archive: ArchiveFolderOption

    @Argument(help: "The table, as schema.table; without a schema it is public.")
    var table: String

    @Argument(help: "The values of its key, in the order of the columns.")
    var key: [String]

    @Option(help: "Only what is later than this moment: an LSN or a time.")
    var from: String?

    @Option(help: "Only what is not later than this moment.")
    var until: String?

    @Flag(help: "Show the row's values.")
    var showValues = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let entries = try archive.reading { folder in
                try life(in: folder).map { RowEntry($0, showsValues: showValues) }
            }
            if json { return try JSONOutput.print(entries) }
            if entries.isEmpty { print("nothing of this row is recorded there") }
            for entry in entries { print(lines: [entry.line]) }
        }
    }

    private func life(in folder: ArchiveFolder) throws -> [RowHistory.Event] {
        let name = TableText.name(table)
        var history = RowHistory(table: name, key: key)
        var scan = try ArchiveScan(
            folder, from: from.map { try MomentText.moment($0, option: "--from") },
            until: until.map { try MomentText.moment($0, option: "--until") })
        var bar = ProgressBar("reading")
        var events: [RowHistory.Event] = []
        do {
            while let batch = try scan.next() {
                events += try history.events(in: batch)
                let (read, end) = scan.progress
                bar.show(
                    read.rawValue - min(read.rawValue, scan.beginning.rawValue),
                    of: end.rawValue - scan.beginning.rawValue)
            }
        } catch let error as RowHistory.KeyMismatch {
            throw Halt(
                .configuration,
                "The key of \(name) has \(error.columns.count) columns, not \(key.count).",
                advice: "Give a value for each: \(error.columns.joined(separator: ", ")).")
        }
        bar.finish()
        guard history.isKnown else {
            throw Halt(
                .configuration, "The archive has no change of a table \(name).",
                advice: "leat archive info lists its tables.")
        }
        return events
    }
}
