import ArgumentParser
import LeatCore
import LeatAdmin
import Logging

struct SlotDropCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop",
        abstract: "Drop slots, and say how much WAL becomes free.",
        discussion: """
            All are looked at before the first is dropped. The slot of a stream that has not \
            stored everything needs --yes; leat cleanup is the way to remove a stream.
            """)

    @Argument(help: "Names of the slots.")
    var names: [String]

    @OptionGroup var source: SourceOption
    @OptionGroup var target: TargetOption

    @Flag(help: "End the walsender that holds a slot, and no other session.")
    var terminate = false

    @Flag(help: "Content if a slot is not there.")
    var ifExists = false

    @Flag(help: "Print the SQL, and do nothing.")
    var dryRun = false

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var log: LogOptions

    private static let title = "leat slot drop"

    func run() async throws {
        let logger = Logger(log)
        try await Ending.report(to: logger) {
            var removal = SlotRemoval(names: try names.map(SlotNames.name))
            removal.terminates = terminate
            removal.mayBeMissing = ifExists
            removal.isForced = yes
            let (isDry, consent) = (dryRun, Consent(yes))
            let plan = try await removal.run(
                source.conninfo(logger),
                streams: try await SlotTarget(target, logger: logger, command: Self.title).streams()
            ) { plan in
                guard !isDry else {
                    print(SlotDropText.dryRun(plan))
                    return false
                }
                if let refusal = plan.refusal { throw refusal }
                return plan.slots.isEmpty || consent.ask(SlotDropText.question(plan))
            }
            if let refusal = consent.refusal("Nothing was dropped.") { throw refusal }
            guard let plan else { return }
            for name in plan.missing { print("no slot \(name)") }
            for slot in plan.slots { print("dropped slot \(slot.name)") }
            if !plan.slots.isEmpty { print(SlotDropText.freed(by: plan, verb: "becomes")) }
        }
    }
}

enum SlotDropText {
    static func question(_ plan: SlotRemoval.Plan) -> String {
        var lines = plan.slots.map { slot in
            "  slot \(slot.name)" + (slot.isActive ? ", ending its walsender" : "")
        }
        lines += plan.losses.map { "  \($0)" }
        return "Drop?\n\(lines.joined(separator: "\n"))\n  \(freed(by: plan, verb: "becomes"))\n"
    }

    static func dryRun(_ plan: SlotRemoval.Plan) -> String {
        var lines = plan.statements
        lines += plan.losses.map { "-- \($0)" }
        if let refusal = plan.refusal {
            lines.append("-- needs --yes: \(refusal.message)")
        }
        lines += plan.missing.map { "-- no slot \($0)" }
        if !plan.slots.isEmpty { lines.append("-- \(freed(by: plan, verb: "would become"))") }
        return lines.joined(separator: "\n")
    }

    static func freed(by plan: SlotRemoval.Plan, verb: String) -> String {
        let keeper = plan.freed.keeper.map { "; slot \($0) keeps the rest" } ?? ""
        guard plan.freed.bytes > 0 else {
            return "no WAL \(verb) free"
                + (plan.freed.keeper.map { ": slot \($0) keeps as much" } ?? "")
        }
        return
            "\(Units.bytes(plan.freed.bytes)) of WAL \(verb) free at the next checkpoint\(keeper)"
    }
}
