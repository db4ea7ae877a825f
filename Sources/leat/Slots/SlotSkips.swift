import LeatCore
import LeatAdmin
import PGClient
import PGWire
import Synchronization

/// What the reader of a slot would not get if it were advanced: its transactions, and their
/// changes by table. Nothing is consumed by the look.
final class SlotSkips: Sendable {
    private struct State {
        var transactions = 0
        var first: [PeekedTransaction] = []
        var last: PeekedTransaction?
        var subjects: [PeekedChanges.Subject: PeekedChanges] = [:]

        mutating func add(_ changes: PeekedChanges) {
            subjects[changes.subject, default: PeekedChanges(changes.subject)] += changes
        }
    }

    /// Transactions that are listed; of more, only the last.
    private static let most = 20
    private let state = Mutex(State())

    /// - Parameter publications: Through which it is seen; empty: those of the slot's reader, where
    ///   they can be known.
    /// - Returns: Lines, such as for comments below the SQL.
    static func lines(
        of plan: SlotAdvance.Plan, on source: Conninfo, publications: [String], command: String
    ) async throws -> [String] {
        guard plan.slot.plugin == "pgoutput", let name = SlotName(plan.slot.name) else {
            let kind = plan.slot.plugin.map { "of plugin \($0)" } ?? "physical"
            return ["the slot is \(kind): what would be skipped cannot be told"]
        }
        var request = SlotPeek.Request(source: source, slot: name, until: plan.to)
        request.publications = publications
        request.command = command
        let skips = SlotSkips()
        do {
            let report = try await SlotPeek(request).run { event in
                skips.note(event)
                return true
            }
            return skips.lines(report)
        } catch let halt as Halt where halt.kind == .publicationUnknown {
            return ["what would be skipped cannot be told: \(halt.message)"]
                + (halt.advice.map { [$0] } ?? [])
        }
    }

    private func note(_ event: PeekAssembler.Event) {
        state.withLock { state in
            switch event {
            case .committed(let transaction) where !transaction.changes.isEmpty:
                state.transactions += 1
                if state.first.count < SlotSkips.most { state.first.append(transaction) }
                state.last = transaction
                for changes in transaction.changes { state.add(changes) }
            case .message(let changes, _): state.add(changes)
            case .committed, .none, .change, .rolledBack, .passedEnd: break
            }
        }
    }

    private func lines(_ report: SlotPeek.Report) -> [String] {
        let state = state.withLock { $0 }
        let through = report.publications.map(PrintedText.line).joined(separator: ", ")
        var lines = ["skips nothing of publication \(through)"]
        if !state.subjects.isEmpty {
            let number = PeekText.number(state.transactions, of: "transaction")
            lines = ["skips \(number) of publication \(through):"]
            lines += state.first.map { "  \(SlotSkips.line($0))" }
            if let last = state.last, state.transactions > state.first.count {
                let more = state.transactions - state.first.count
                lines.append("  and \(more) more, the last \(SlotSkips.line(last))")
            }
            lines.append("in all:")
            lines += state.subjects.values.map { changes in
                "  \(PeekText.subject(changes.subject)): \(PeekText.counts(changes))"
            }.sorted()
        }
        return lines + report.warnings.map { "warning: \($0)" }
    }

    private static func line(_ transaction: PeekedTransaction) -> String {
        let subjects = transaction.changes.prefix(3).map { changes in
            "\(PeekText.subject(changes.subject)): \(PeekText.counts(changes))"
        }
        let more = transaction.changes.count - subjects.count
        return PeekText.heading(transaction) + "  " + subjects.joined(separator: "; ")
            + (more > 0 ? "; and \(PeekText.number(more, of: "table"))" : "")
    }
}
