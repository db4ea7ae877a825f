import ArgumentParser
import Glibc
import LeatCore
import LeatAdmin
import Logging
import PGWire
import Synchronization

struct SlotPeekCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peek",
        abstract: "Show the next changes of a slot, and consume none.",
        discussion: """
            Reads a temporary copy of the slot, so the slot may be in use and does not move; one \
            more replication slot must be free for that long. Changes are seen through a \
            publication: that of the slot's reader, as far as it can be known.
            """)

    @Argument(help: "The slot.")
    var name: String

    @OptionGroup var source: SourceOption

    @Option(help: "Publication to see the changes through; repeatable.")
    var publication: [String] = []

    @Option(help: "Tables: schema.table with * and ?; repeatable, or with commas.")
    var table: [String] = []

    @Option(help: "Stop before the first transaction that commits at or after this LSN.")
    var until: String?

    @Option(help: "The most transactions; 0 for all. Default: 20, with --summary all.")
    var limit: Int?

    @Flag(help: "Show how much of what is in the slot, by table and operation.")
    var summary = false

    @Flag(help: "Show each change with its values.")
    var showValues = false

    @Flag(help: "Print JSON: one object a line, or with --summary one in all.")
    var json = false

    @OptionGroup var log: LogOptions

    private static let defaultLimit = 20

    func validate() throws {
        guard limit ?? 0 >= 0 else { throw ValidationError("--limit takes 0 or more") }
        guard !(summary && showValues) else {
            throw ValidationError("--summary shows no values: leave out one of the two")
        }
    }

    func run() async throws {
        // It is over when nobody reads on, as behind `| head`; nothing depends on it.
        signal(SIGPIPE, SIG_DFL)
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let peek = SlotPeek(try request(logger))
            let view = Mutex(makeView())
            let showsProgress = summary && Terminal.shared.isInteractive
            let report = try await peek.run(
                progress: { position, end in
                    if showsProgress { Terminal.shared.show(["read to \(position) of \(end)"]) }
                },
                { event in try view.withLock { try $0.take(event) } })
            if showsProgress { Terminal.shared.show([]) }
            warn(of: report, logger: logger)
            try view.withLock { try $0.finish(report) }
        }
    }

    private func warn(of report: SlotPeek.Report, logger: Logger) {
        for warning in report.warnings { logger.warning("the source says: \(warning)") }
        let plugin = report.slot.plugin
        guard plugin != "pgoutput" else { return }
        logger.warning("shown as pgoutput sends it; this slot is for plugin \(plugin)")
    }

    private func request(_ logger: Logger) throws -> SlotPeek.Request {
        var request = SlotPeek.Request(
            source: try source.conninfo(logger), slot: try SlotNames.name(name))
        request.publications = publication
        request.tables = try TableOptions.patterns(table, option: "--table")
        request.showsChanges = showValues
        request.until = try until.map { text in
            guard let lsn = LSN(text) else {
                throw Halt(
                    .configuration, "--until \"\(text)\" is no LSN.",
                    advice: "An LSN looks like 16/B374D848.")
            }
            return lsn
        }
        return request
    }

    private func makeView() -> any PeekView {
        let most = limit ?? (summary ? 0 : SlotPeekCommand.defaultLimit)
        let counter = PeekCounter(limit: most == 0 ? nil : most)
        if summary { return PeekSummaryView(counter: counter, isJSON: json) }
        return json ? PeekJSONView(counter: counter) : PeekTextView(counter: counter)
    }
}

/// What is done with what comes out of a slot.
protocol PeekView: Sendable {
    /// - Returns: Whether more is wanted.
    mutating func take(_ event: PeekAssembler.Event) throws -> Bool
    mutating func finish(_ report: SlotPeek.Report) throws
}

/// Counts transactions up to a limit.
struct PeekCounter: Sendable {
    /// Nil: all.
    var limit: Int?
    /// With changes that are looked for.
    private(set) var shown = 0
    /// Without any.
    private(set) var empty = 0
    private(set) var rolledBack = 0

    /// - Returns: Whether there is room for another.
    mutating func add(_ transaction: PeekedTransaction) -> Bool {
        if transaction.changes.isEmpty {
            empty += 1
        } else {
            shown += 1
        }
        return limit.map { shown < $0 } ?? true
    }

    mutating func addRolledBack() {
        rolledBack += 1
    }
}
