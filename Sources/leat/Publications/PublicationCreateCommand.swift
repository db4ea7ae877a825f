import ArgumentParser
import LeatCore
import LeatAdmin
import Logging

struct PublicationCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a publication, unless it would make the application's updates fail.",
        discussion: """
            Once a table without a usable replica identity is published, every UPDATE and DELETE \
            of it is an error: that is checked first, and refused with the SQL that mends it.
            """)

    @Argument(help: "Name of the publication.")
    var name: String

    @OptionGroup var source: SourceOption

    @Flag(help: "All tables, also those that are made later.")
    var allTables = false

    @Option(help: "Tables: \(PublicationOptions.tableForm).")
    var tables: [String] = []

    @Option(help: "Tables to leave out, in the same form.")
    var exclude: [String] = []

    @Option(help: "Schemas with all their tables, also those that are made later (15 and newer).")
    var schemas: [String] = []

    @Option(
        help: ArgumentHelp(
            "Only these columns of a table; repeatable.", valueName: "table=column,..."))
    var columns: [String] = []

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "Only rows of a table that meet this condition; repeatable.",
            valueName: "table=condition"))
    var filters: [String] = []

    @Option(help: "Kinds of changes: some of insert,update,delete,truncate. Default: all.")
    var publish: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Send changes of partitions in the name of their root.")
    var viaPartitionRoot = true

    @Flag(help: "Be content if there is one of this name.")
    var ifNotExists = false

    @Flag(help: "Check the tables, print the SQL, and change nothing.")
    var dryRun = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        let isPart = !tables.isEmpty || !schemas.isEmpty
        guard isPart != allTables else {
            throw ValidationError("Give --tables, --schemas or both, or else --all-tables")
        }
        guard !allTables || (exclude.isEmpty && columns.isEmpty && filters.isEmpty) else {
            throw ValidationError(
                "--all-tables goes with no --exclude, --columns or --where: name --tables '*.*'")
        }
    }

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            var selection = PublicationEditor.Selection()
            selection.isForAllTables = allTables
            selection.tables = try TableOptions.patterns(tables, option: "--tables")
            selection.excluded = try TableOptions.patterns(exclude, option: "--exclude")
            selection.schemas = PublicationOptions.names(schemas)
            selection.columns = try PublicationOptions.columns(columns)
            selection.rowFilters = try PublicationOptions.filters(filters)
            let editor = PublicationEditor(
                source: try source.conninfo(logger), target: nil,
                command: "leat publication create", isDryRun: dryRun)
            let outcome = try await editor.create(
                name, selecting: selection, operations: try PublicationOptions.operations(publish),
                isViaRoot: viaPartitionRoot, ifNotExists: ifNotExists)
            PublicationOutcome.show(
                outcome, isDryRun: dryRun, done: "created publication \(name)",
                nothing: "publication \(name) exists already", logger: logger)
        }
    }
}
