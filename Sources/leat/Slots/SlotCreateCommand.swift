import ArgumentParser
import Foundation
import LeatCatalogs
import LeatCore
import LeatAdmin
import LeatFlow
import Logging
import Synchronization

struct SlotCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a logical slot, and say whom it waits for meanwhile.",
        discussion: """
            The server can only begin a slot where it knows every running transaction, so it \
            waits for those that run now. Stopped by Ctrl-C or --timeout, nothing is left of it.
            """)

    @Argument(help: "Name of the slot: 1 to 63 of a-z, 0-9 and underscores.")
    var name: String

    @OptionGroup var source: SourceOption

    @Option(help: "Output plugin.")
    var plugin = "pgoutput"

    @Flag(help: "Content with a slot of this name and kind that is there already.")
    var ifNotExists = false

    @Flag(help: "Keep it in step on standbys, so that it outlives a failover: 17 and newer.")
    var failover = false

    @Flag(help: "Only as long as this command runs, until Ctrl-C; nobody else can read it.")
    var temporary = false

    @Flag(help: "Send prepared transactions when they are prepared. leat sync refuses such a slot.")
    var twoPhase = false

    @Option(help: "Give up after this time. Default: wait for as long as it takes.")
    var timeout: DurationText?

    @Flag(help: "Show the constants in the queries of those it waits for.")
    var showValues = false

    @Flag(help: "Print the SQL, and do nothing.")
    var dryRun = false

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let creation = try creation()
            if twoPhase {
                logger.warning(
                    "leat sync and the other commands that stream refuse a two-phase slot")
            }
            let conninfo = try source.conninfo(logger)
            if dryRun {
                let outcome = try await creation.check(conninfo)
                return print(outcome.map(text) ?? "\(creation.statement);")
            }
            try await Interruption.stopping { stop in
                let progress = SlotWaitView(name: name, logger: logger)
                try await creation.run(conninfo, until: stop.wait, waiting: progress.show) {
                    outcome in
                    Terminal.shared.show([])
                    print(text(outcome))
                    // Whoever reads it waits for it: a temporary slot is held from now on.
                    fflush(nil)
                    if temporary && !outcome.existed {
                        Terminal.shared.print("It lasts until Ctrl-C.")
                    }
                }
                if temporary { Terminal.shared.print("Slot \(name) is gone.") }
            }
        }
    }

    private func creation() throws -> SlotCreation {
        var creation = SlotCreation(name: try SlotNames.name(name))
        creation.plugin = plugin
        creation.isTemporary = temporary
        creation.isTwoPhase = twoPhase
        creation.isFailover = failover
        creation.mayExist = ifNotExists
        creation.timeLimit = timeout?.duration
        creation.showsValues = showValues
        return creation
    }

    private func text(_ outcome: SlotCreation.Outcome) -> String {
        let point = outcome.consistentPoint.map { "\($0)" } ?? "?"
        return outcome.existed
            ? "slot \(name) exists, confirmed up to \(point)"
            : "created slot \(name), consistent point \(point)"
    }
}

/// Whom a slot waits for: on a terminal in place, else a log line for each, and again when a
/// minute has passed.
final class SlotWaitView: Sendable {
    private let name: String
    private let logger: Logger
    private let start = ContinuousClock.now
    private let logged = Mutex<[String: ContinuousClock.Instant]>([:])

    init(name: String, logger: Logger) {
        (self.name, self.logger) = (name, logger)
    }

    @Sendable func show(_ blocking: [BlockingTransaction]) {
        guard !Terminal.shared.isInteractive else {
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let lines = blocking.isEmpty ? ["the server, to reach a consistent point"] : []
            return Terminal.shared.show(
                ["slot \(name) waits, for \(Units.duration(seconds: seconds)) now, for"]
                    + (lines + blocking.map(\.description)).map { "  \($0)" })
        }
        for transaction in blocking where isDue(transaction) {
            logger.warning("slot \(name) waits for a running transaction: \(transaction)")
        }
    }

    private func isDue(_ transaction: BlockingTransaction) -> Bool {
        let key = transaction.pid.map { "\($0)" } ?? transaction.gid ?? ""
        return logged.withLock { logged in
            if let last = logged[key], last + .seconds(60) > .now { return false }
            logged[key] = .now
            return true
        }
    }
}
