import ArgumentParser
import LeatCore
import LeatAdmin
import Logging

struct PublicationDropCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop",
        abstract: "Drop publications, after saying who reads them.",
        discussion: """
            A reader of a dropped publication loses changes for good, also if it is made again: \
            what counts is what the catalog held when a change was made.
            """)

    @Argument(help: "Names of the publications.")
    var names: [String]

    @OptionGroup var source: SourceOption
    @OptionGroup var target: TargetOption

    @Flag(help: "Be content if there is none of a name.")
    var ifExists = false

    @Flag(help: "Print the SQL and change nothing.")
    var dryRun = false

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let editor = PublicationEditor(
                source: try source.conninfo(logger),
                target: try PublicationOptions.target(target, logger: logger),
                command: "leat publication drop", isDryRun: dryRun)
            let consent = Consent(yes)
            let outcome = try await editor.drop(names, ifExists: ifExists) { list in
                guard yes || dryRun else { return consent.ask(PublicationQuestions.drop(list)) }
                for line in PublicationQuestions.losses(list) { logger.warning("\(line)") }
                return true
            }
            if let refusal = consent.refusal("Nothing was dropped.") { throw refusal }
            PublicationOutcome.show(
                outcome, isDryRun: dryRun,
                done: "dropped publication \(names.joined(separator: ", "))",
                nothing: "no such publication", logger: logger)
        }
    }
}

/// What has to be known before a publication is changed.
enum PublicationQuestions {
    static func drop(_ list: PublicationList) -> String {
        let names = list.publications.map { publication in
            let count = publication.tables.count
            return "\(publication.name) (\(count) table\(count == 1 ? "" : "s"))"
        }
        return
            (["Drop publication \(names.joined(separator: ", "))?"]
            + losses(list).map { "  \($0)" }).joined(separator: "\n")
    }

    /// A line for each reader that would lose changes.
    static func losses(_ list: PublicationList) -> [String] {
        let text = PublicationText(list, style: .plain)
        let effect =
            list.serverVersion >= 180_000
            ? "its changes are left out from then on, and the server says nothing"
            : "its stream ends with an error at the next change, and goes no further"
        var lines = list.publications.flatMap { publication in
            publication.readers.map { reader in
                "\(publication.name) is read by \(text.reader(reader)): \(effect)"
            }
        }
        if !list.unknownSlots.isEmpty {
            lines.append(
                "it is not known what these slots read: "
                    + list.unknownSlots.joined(separator: ", "))
        }
        return lines
    }

    static func alter(_ publication: PublicationReport, in list: PublicationList) -> String {
        let text = PublicationText(list, style: .plain)
        let readers = publication.readers.map { "  \(text.reader($0))" }
        return
            (["Change what publication \(publication.name) sends? It is read by"] + readers
            + ["A Leat stream stops at such a change, and says which tables to copy anew."])
            .joined(separator: "\n")
    }
}
