import LeatCore
import LeatAdmin
import PGWire

/// Transaction after transaction, for people.
struct PeekTextView: PeekView {
    var counter: PeekCounter
    /// The transaction whose changes are being shown.
    private var shown: UInt32?

    init(counter: PeekCounter) {
        self.counter = counter
    }

    mutating func take(_ event: PeekAssembler.Event) -> Bool {
        switch event {
        case .none, .passedEnd: return true
        case .change(let change, let transaction):
            if let transaction, shown != transaction.xid.rawValue {
                shown = transaction.xid.rawValue
                print(PeekText.heading(transaction))
            }
            print("\(transaction == nil ? "" : "  ")\(PeekText.line(change))")
            return true
        case .committed(let transaction):
            if shown == nil, !transaction.changes.isEmpty { show(transaction) }
            shown = nil
            return counter.add(transaction)
        case .message(let changes, let lsn):
            print("message \(lsn), outside of transactions: \(PeekText.subject(changes.subject))")
            return true
        case .rolledBack:
            counter.addRolledBack()
            return true
        }
    }

    private func show(_ transaction: PeekedTransaction) {
        print(PeekText.heading(transaction))
        let names = transaction.changes.map { PeekText.subject($0.subject) }
        let width = names.reduce(0) { max($0, $1.count) }
        for (name, changes) in zip(names, transaction.changes) {
            let padding = String(repeating: " ", count: width - name.count)
            print(
                "  \(name)\(padding)  \(PeekText.counts(changes)), "
                    + Units.bytes(changes.total.bytes))
        }
    }

    mutating func finish(_ report: SlotPeek.Report) {
        for line in PeekFooter.lines(of: counter, in: report) { print(line) }
    }
}

/// What there is to say below.
enum PeekFooter {
    static func lines(of counter: PeekCounter, in report: SlotPeek.Report) -> [String] {
        var lines: [String] = []
        if counter.shown > 0 { lines.append("") }
        lines += uncommitted(in: counter, report: report)
        if counter.empty > 0 {
            let number = PeekText.number(counter.empty, of: "transaction")
            lines.append("\(number) without changes that are looked for")
        }
        lines.append(
            """
            slot \(report.slot.name) through publication \
            \(report.publications.map(PrintedText.line).joined(separator: ", ")), \
            from \(report.slot.confirmedFlushLSN)
            """)
        lines.append(
            report.isStopped
                ? """
                \(PeekText.number(counter.shown, of: "transaction")) shown; more may follow, up to \
                \(report.end): --limit 0 shows all, --summary how much there is
                """
                : """
                \(PeekText.number(counter.shown, of: "transaction")) shown: all that commit before \
                \(report.end)
                """)
        return lines
    }

    /// Lines about what came and is no part of what a reader would apply.
    static func uncommitted(in counter: PeekCounter, report: SlotPeek.Report) -> [String] {
        var lines: [String] = []
        for transaction in report.inProgress.prefix(20) {
            let total = transaction.total
            lines.append(
                "in progress: xid \(transaction.xid), \(PeekText.number(total.count, of: "change")) "
                    + "so far, \(Units.bytes(total.bytes))")
            lines += transaction.changes.map { changes in
                "  \(PeekText.subject(changes.subject))  \(PeekText.counts(changes))"
            }
        }
        if report.inProgress.count > 20 {
            lines.append("and \(report.inProgress.count - 20) more in progress")
        }
        if counter.rolledBack > 0 {
            let number = PeekText.number(counter.rolledBack, of: "large transaction")
            lines.append("\(number) rolled back")
        }
        return lines
    }
}
