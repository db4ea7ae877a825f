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
        try await Ending.report(logger) {
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
            folder, from: from.map { try MomentText.moment($0, "--from") },
            until: until.map { try MomentText.moment($0, "--until") })
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

/// Names of tables as arguments give them.
enum TableText {
    /// What is in double quotes stands for itself, as in a pattern.
    static func name(_ text: String) -> TableName {
        if let found = quoted(text) { return found }
        let parts = text.split(separator: ".", maxSplits: 1).map(String.init)
        return parts.count == 2
            ? TableName(schema: parts[0], name: parts[1]) : TableName(schema: "public", name: text)
    }

    private static func quoted(_ text: String) -> TableName? {
        guard text.contains("\"") else { return nil }
        var (parts, isQuoted) = ([""], false)
        let scalars = Array(text.unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            switch scalar {
            case "\"":
                // The second of two within quotes.
                if !isQuoted, index > 0, scalars[index - 1] == "\"" {
                    parts[parts.count - 1] += "\""
                }
                isQuoted.toggle()
            case "." where !isQuoted: parts.append("")
            default: parts[parts.count - 1].unicodeScalars.append(scalar)
            }
        }
        return switch parts.count {
        case 1: TableName(schema: "public", name: parts[0])
        case 2: TableName(schema: parts[0], name: parts[1])
        default: nil
        }
    }
}

/// One event of a row's life, as `archive log` prints it.
struct RowEntry: Encodable {
    var lsn: String
    var commitLSN: String
    var commitTime: String
    var xid: UInt32
    var operation: String
    var table: String
    var columns: [String]
    var isPartlyKnown: Bool
    var keyChanged: Bool
    /// With --show-values only.
    var newKey: [String?]?
    var oldKey: [String?]?
    var values: [String: String?]?
    private var order: [String]

    private enum CodingKeys: CodingKey {
        case lsn, commitLSN, commitTime, xid, operation, table, columns, isPartlyKnown, keyChanged
        case newKey, oldKey, values
    }

    init(_ event: RowHistory.Event, showsValues: Bool) {
        lsn = "\(event.lsn)"
        commitLSN = "\(event.commitLSN)"
        commitTime = event.commitTime.rfc3339
        xid = event.xid.rawValue
        operation = event.kind.rawValue
        table = "\(event.table)"
        columns = event.columns
        isPartlyKnown = event.isPartlyKnown
        keyChanged = event.newKey != nil || event.oldKey != nil
        order = event.values.map(\.column)
        guard showsValues else { return }
        newKey = event.newKey
        oldKey = event.oldKey
        values = Dictionary(
            event.values.map { ($0.column, $0.value) }, uniquingKeysWith: { _, last in last })
    }

    var line: String {
        var words = [lsn, commitTime, "xid \(xid)", operation]
        if !columns.isEmpty { words.append(columns.joined(separator: ", ")) }
        if isPartlyKnown { words.append("(of those that were sent)") }
        if let newKey { words.append("key is now \(text(newKey))") }
        if let oldKey { words.append("key was \(text(oldKey))") }
        if keyChanged, newKey == nil, oldKey == nil { words.append("the key changes") }
        if let values {
            words.append(
                order.map { "\($0)=\((values[$0] ?? nil) ?? "NULL")" }.joined(separator: " "))
        }
        return words.joined(separator: "  ")
    }

    private func text(_ key: [String?]) -> String {
        key.map { $0 ?? "NULL" }.joined(separator: ", ")
    }
}
