import ArgumentParser
import LeatCore
import LeatAdmin
import Logging

struct PublicationAlterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alter",
        abstract: "Change a publication, unless it would make the application's updates fail.",
        discussion: """
            All of it happens in one transaction. --columns and --where are for tables named in \
            --add-tables; for those that are in the publication already they change what it sends.
            """)

    @Argument(help: "Name of the publication.")
    var name: String

    @OptionGroup var source: SourceOption
    @OptionGroup var target: TargetOption

    @Option(help: "Tables to add: \(PublicationOptions.tableForm).")
    var addTables: [String] = []

    @Option(help: "Tables to take out, in the same form.")
    var dropTables: [String] = []

    @Option(help: "Tables that --add-tables is to leave out, in the same form.")
    var exclude: [String] = []

    @Option(help: "Schemas to add with all their tables (15 and newer).")
    var addSchemas: [String] = []

    @Option(help: "Schemas to take out.")
    var dropSchemas: [String] = []

    @Option(
        help: ArgumentHelp(
            "Only these columns of an added table; none: all. Repeatable.",
            valueName: "table=column,..."))
    var columns: [String] = []

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "Only rows of an added table that meet this condition; none: all. Repeatable.",
            valueName: "table=condition"))
    var filters: [String] = []

    @Option(help: "Kinds of changes: some of insert,update,delete,truncate.")
    var publish: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Send changes of partitions in the name of their root.")
    var viaPartitionRoot: Bool?

    @Flag(help: "Check the tables, print the SQL, and change nothing.")
    var dryRun = false

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        let lists = [addTables, dropTables, addSchemas, dropSchemas]
        guard lists.contains(where: { !$0.isEmpty }) || publish != nil || viaPartitionRoot != nil
        else { throw ValidationError("Say what is to change: leat publication alter --help") }
    }

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let editor = PublicationEditor(
                source: try source.conninfo(logger),
                target: try PublicationOptions.target(target, logger: logger),
                command: "leat publication alter", isDryRun: dryRun)
            let consent = Consent(yes)
            let outcome = try await editor.alter(name, by: try change()) { publication, list in
                consent.ask(PublicationQuestions.alter(publication, in: list))
            }
            if let refusal = consent.refusal("Nothing was changed.") { throw refusal }
            PublicationOutcome.show(
                outcome, isDryRun: dryRun, done: "altered publication \(name)",
                nothing: "publication \(name) is like that already", logger: logger)
        }
    }

    private func change() throws -> PublicationEditor.Change {
        var change = PublicationEditor.Change()
        change.added.tables = try TableOptions.patterns(addTables, option: "--add-tables")
        change.added.excluded = try TableOptions.patterns(exclude, option: "--exclude")
        change.added.schemas = PublicationOptions.names(addSchemas)
        change.added.columns = try PublicationOptions.columns(columns)
        change.added.rowFilters = try PublicationOptions.filters(filters)
        change.dropped = try TableOptions.patterns(dropTables, option: "--drop-tables")
        change.droppedSchemas = PublicationOptions.names(dropSchemas)
        change.operations = try PublicationOptions.operations(publish)
        change.isViaRoot = viaPartitionRoot
        return change
    }
}
