import ArgumentParser
import LeatCatalogs
import LeatCore
import LeatAdmin
import Logging
import PGWire

struct PublicationListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show publications: tables, filters, readers, and what is wrong with them.",
        discussion: """
            With names every table is shown. Who reads a publication is known for connected \
            readers, for streams of the target, and by the name of a slot; a slot itself does not \
            say.
            """)

    @Argument(help: "Publications to show in full. Default: all, a line each.")
    var names: [String] = []

    @OptionGroup var source: SourceOption
    @OptionGroup var target: TargetOption

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let list = try await read(logger)
            if json { return try JSONOutput.print(list) }
            let view = PublicationText(list, style: .output)
            print(names.isEmpty ? view.table() : view.details())
        }
    }

    private func read(_ logger: Logger) async throws -> PublicationList {
        let source = try source.conninfo(logger)
        let known = try PublicationOptions.target(target, logger: logger)
        do {
            return try await PublicationCatalog(
                source: source, target: known, command: "leat publication list"
            ).list(names)
        } catch let halt as Halt where halt.kind == .server {
            logger.warning("streams are not shown: \(halt.message)")
            return try await PublicationCatalog(
                source: source, target: nil, command: "leat publication list"
            ).list(names)
        }
    }
}

/// Publications for people.
struct PublicationText {
    private let list: PublicationList
    private let style: TextStyle

    init(_ list: PublicationList, style: TextStyle) {
        (self.list, self.style) = (list, style)
    }

    // MARK: A line each

    func table() -> String {
        guard !list.publications.isEmpty else {
            return "database \(list.database) has no publications"
        }
        var table = TextTable(columns: [
            .init(title: "PUBLICATION"), .init(title: "TABLES", side: .right),
            .init(title: "OF"), .init(title: "SENDS"), .init(title: "PARTITIONS AS"),
            .init(title: "OWNER", dispensable: 1), .init(title: "READ BY"),
        ])
        table.rows = list.publications.map { publication in
            TextTable.Row(
                cells: [
                    publication.name, "\(publication.tables.count)", scope(publication),
                    publication.operations.joined(separator: " "),
                    publication.isViaPartitionRoot ? "their root" : "themselves",
                    publication.owner,
                    publication.readers.map(reader).joined(separator: ", "),
                ], notes: problems(publication, indent: 4, most: 5))
        }
        return (table.lines(style) + unknown()).joined(separator: "\n")
    }

    private func scope(_ publication: PublicationReport) -> String {
        if publication.isForAllTables { return "all tables" }
        var words = publication.schemas.map { "schema \($0)" }
        if publication.tables.contains(where: { $0.membership == "table" }) {
            words.insert("named tables", at: 0)
        }
        return words.isEmpty ? "nothing" : words.joined(separator: ", ")
    }

    // MARK: In full

    func details() -> String {
        list.publications.map { publication in
            let generated = publication.generatedColumns.map { ", generated columns: \($0)" } ?? ""
            let title = style.bold("publication \(PrintedText.line(publication.name))")
            let head = [
                "  owner       \(publication.owner)",
                "  tables      \(publication.tables.count), of \(scope(publication))",
                "  sends       \(publication.operations.joined(separator: ", "))\(generated)",
                "  partitions  as \(publication.isViaPartitionRoot ? "their root" : "themselves")"
                    + " (publish_via_partition_root = \(publication.isViaPartitionRoot))",
                "  read by     " + readers(publication),
            ]
            return
                ([title] + head.map(PrintedText.line)
                + problems(publication, indent: 2, most: Int.max)
                + tables(publication)
                + unknown()).joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    private func readers(_ publication: PublicationReport) -> String {
        publication.readers.isEmpty
            ? "nobody that is known"
            : publication.readers.map(reader).joined(separator: ", ")
    }

    private func tables(_ publication: PublicationReport) -> [String] {
        publication.tables.map { table in
            var words = ["  \(table.schemaName).\(table.tableName)"]
            if table.isPartitioned { words.append("partitioned") }
            if let columns = table.columns {
                words.append("columns (\(columns.joined(separator: ", ")))")
            }
            if let filter = table.rowFilter { words.append("where \(filter)") }
            return PrintedText.line(words.joined(separator: "  "))
        }
    }

    // MARK: Both

    func reader(_ reader: PublicationReport.Reader) -> String {
        switch reader.knownBy {
        case "stream":
            "stream \(reader.stream ?? "?") (slot \(reader.slot), position "
                + "\(reader.position ?? "?"))"
        case "walsender":
            "\(reader.application ?? "a client") (slot \(reader.slot), pid "
                + "\(reader.pid.map(String.init) ?? "?"))"
        default: "slot \(reader.slot) (by its name)"
        }
    }

    private func problems(_ publication: PublicationReport, indent: Int, most: Int) -> [String] {
        let shown = publication.problems.prefix(most)
        let rest = publication.problems.count - shown.count
        var lines = shown.flatMap { problem in
            style.wrapped(
                PrintedText.line(
                    "updates and deletes of \(problem.schemaName).\(problem.tableName) fail: "
                        + "\(problem.message)"), indent: indent
            ).map(style.red)
                + style.wrapped(problem.advice, indent: indent + 2).map(style.dim)
        }
        if rest > 0 {
            lines.append(
                String(repeating: " ", count: indent)
                    + "and \(rest) more tables: leat publication list "
                    + ShellText.word(publication.name))
        }
        return lines
    }

    private func unknown() -> [String] {
        guard !list.unknownSlots.isEmpty else { return [] }
        return [""]
            + style.wrapped(
                "What these slots read is not known (their readers are not connected, or hidden "
                    + "from this role): \(list.unknownSlots.joined(separator: ", "))", indent: 0)
    }
}
