import ArgumentParser
import LeatCore
import LeatAdmin
import LeatFlow
import Logging
import PGClient
import PGWire

struct SlotAdvanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "advance",
        abstract: "Move a slot forward: its reader will not get the changes between.",
        discussion: """
            The slot of a stream is not moved past what the stream has stored, nor any slot past \
            the end of the WAL, without --yes. --dry-run shows the SQL and what would be skipped.
            """)

    @Argument(help: "Name of the slot.")
    var name: String

    @Argument(help: "An LSN such as 16/B374D848, or now: the end of the WAL.")
    var lsn: String

    @OptionGroup var source: SourceOption
    @OptionGroup var target: TargetOption

    @Flag(help: "Print the SQL and what would be skipped, and do nothing.")
    var dryRun = false

    @Option(
        help: "Publication through which --dry-run looks; repeatable. Default: that of the reader.")
    var publication: [String] = []

    @Flag(help: "Do not ask, and pass what a stream has stored, or the end of the WAL.")
    var yes = false

    @OptionGroup var log: LogOptions

    private static let title = "leat slot advance"

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            let advance = SlotAdvance(
                name: try SlotNames.name(name), to: try destination(), isForced: yes)
            let conninfo = try source.conninfo(logger)
            let plan = try await advance.plan(
                conninfo,
                streams: try await SlotTarget(target, logger: logger, command: Self.title).streams()
            )
            if dryRun { return print(try await dryRun(plan, on: conninfo)) }
            if let refusal = plan.refusal { throw refusal }
            if plan.isCut { logger.warning("the end of the WAL is as far as a slot can go") }
            guard plan.to > plan.from else {
                return print("slot \(name) is at \(plan.from) already")
            }
            let consent = Consent(yes)
            let isMeant = consent.ask(SlotAdvanceText.question(plan))
            if let refusal = consent.refusal("Slot \(name) was not advanced.") { throw refusal }
            guard isMeant else { return }
            // The server reads all that lies between, which may take a while.
            Terminal.shared.show(["advancing slot \(name) to \(plan.to)"])
            let end = try await Interruption.stopping { stop in
                try await advance.run(plan, on: conninfo, until: stop.wait)
            }
            Terminal.shared.show([])
            print(SlotAdvanceText.done(plan, end: end))
        }
    }

    private func dryRun(_ plan: SlotAdvance.Plan, on conninfo: Conninfo) async throws -> String {
        guard plan.to > plan.from else { return "-- slot \(name) is at \(plan.from) already" }
        let skips = try await SlotSkips.lines(
            of: plan, on: conninfo, publications: publication, command: Self.title)
        return SlotAdvanceText.dryRun(plan, skips: skips)
    }

    private func destination() throws(Halt) -> SlotAdvance.Destination {
        if lsn == "now" { return .now }
        guard let lsn = LSN(lsn), !lsn.isZero else {
            throw Halt(
                .configuration, "\"\(lsn)\" is neither an LSN nor now.",
                advice: "An LSN looks like 16/B374D848.")
        }
        return .lsn(lsn)
    }
}

enum SlotAdvanceText {
    static func question(_ plan: SlotAdvance.Plan) -> String {
        var text = """
            Advance slot \(plan.slot.name) from \(plan.from) to \(plan.to)? Its reader will not \
            get the changes between, \(Units.bytes(plan.skippedBytes)) of WAL.
            """
        if let stream = plan.stream {
            text += "\nStream \(stream.stream) has stored everything up to \(stream.position)."
        }
        return text
    }

    /// - Parameter skips: What would be skipped, in words.
    static func dryRun(_ plan: SlotAdvance.Plan, skips: [String]) -> String {
        var lines = [
            "\(plan.statement);",
            "-- from \(plan.from), \(Units.bytes(plan.skippedBytes)) of WAL",
        ]
        if plan.isCut { lines.append("-- the end of the WAL is as far as a slot can go") }
        if let refusal = plan.refusal { lines.append("-- needs --yes: \(refusal.message)") }
        return (lines + skips.map { "-- \($0)" }).joined(separator: "\n")
    }

    static func done(_ plan: SlotAdvance.Plan, end: LSN) -> String {
        """
        advanced slot \(plan.slot.name) from \(plan.from) to \(end), \
        \(Units.bytes(plan.from.distance(to: end))) of WAL
        """
    }
}
