import ArgumentParser
import LeatCore
import LeatEngine
import Logging

struct ConflictsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conflicts",
        abstract: "The conflicts that sync --on-conflict has resolved.",
        subcommands: [ConflictsListCommand.self, ConflictsClearCommand.self])
}

/// Which of them.
struct ConflictFilterOptions: ParsableArguments {
    @Option(help: "One stream only.")
    var stream: String?

    @Option(help: "Tables: schema.table with * and ?; repeatable, or with commas.")
    var table: [String] = []

    @Option(help: "Kinds, such as insert_exists; repeatable.")
    var kind: [ConflictKind] = []

    func filter() throws(Halt) -> ConflictBook.Filter {
        ConflictBook.Filter(
            stream: try StreamOptions.name(stream),
            tables: try TableOptions.patterns(table, option: "--table"),
            kinds: kind)
    }
}

struct ConflictsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the latest conflicts, the oldest of them first.")

    @OptionGroup var target: TargetOption
    @OptionGroup var filter: ConflictFilterOptions

    @Option(help: "The most to show.")
    var limit = 1000

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (1...1_000_000).contains(limit) else {
            throw ValidationError("--limit takes 1 to 1000000")
        }
    }

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let book = ConflictBook(
                target: try target.conninfo(logger), filter: try filter.filter())
            let (total, conflicts) = try await book.list(limit: limit)
            if total > conflicts.count {
                logger.info("showing the latest", metadata: ["of": "\(total)"])
            }
            if json { return try JSONOutput.print(conflicts.map(ConflictEntry.init)) }
            if conflicts.isEmpty { print("no conflicts") }
            for conflict in conflicts { print(lines: [ConflictText.line(conflict)]) }
        }
    }
}

struct ConflictsClearCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear", abstract: "Forget conflicts; no row of a table changes.")

    @OptionGroup var target: TargetOption
    @OptionGroup var filter: ConflictFilterOptions

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let book = ConflictBook(
                target: try target.conninfo(logger), filter: try filter.filter())
            let consent = Consent(yes)
            let cleared = try await book.clear { number in
                consent.ask("Forget \(number) conflicts of leat.conflicts?")
            }
            if let refusal = consent.refusal("Nothing was forgotten.") { throw refusal }
            print("forgot \(cleared ?? 0) conflicts")
        }
    }
}

/// One conflict for people.
enum ConflictText {
    /// What `--on-conflict` takes.
    static let policies = ConflictKind.allCases.map { kind in
        "\(kind.rawValue)=\(kind.policies.map(\.rawValue).joined(separator: "|"))"
    }.joined(separator: ", ")

    static func line(_ conflict: RecordedConflict) -> String {
        var words = [
            conflict.time, conflict.lsn, table(conflict),
            conflict.kind, conflict.policy, key(conflict),
        ]
        if let constraint = conflict.constraintName { words.append("constraint \(constraint)") }
        return words.filter { !$0.isEmpty }.joined(separator: "  ")
    }

    private static func table(_ conflict: RecordedConflict) -> String {
        let source = "\(conflict.schemaName).\(conflict.tableName)"
        guard let schema = conflict.targetSchemaName, let name = conflict.targetTableName else {
            return source
        }
        return "\(source) -> \(schema).\(name)"
    }

    private static func key(_ conflict: RecordedConflict) -> String {
        guard let values = conflict.keyValues else {
            return conflict.keyColumns.isEmpty
                ? "" : "key \(conflict.keyColumns.joined(separator: ", "))"
        }
        return "key "
            + zip(conflict.keyColumns, values).map { "\($0) = \($1 ?? "NULL")" }
            .joined(separator: ", ")
    }
}
