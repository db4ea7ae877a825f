import LeatCore
import LeatAdmin
import PGWire

/// How much of what is in a slot, by table and operation.
struct PeekSummaryView: PeekView {
    var counter: PeekCounter
    private let isJSON: Bool
    private let began = ContinuousClock.now
    private var totals: [PeekedChanges.Subject: PeekedChanges] = [:]
    private var rolledBack = ChangeTally()
    private var first: PeekedTransaction?
    private var last: PeekedTransaction?
    private var largest: PeekedTransaction?

    init(counter: PeekCounter, isJSON: Bool) {
        self.counter = counter
        self.isJSON = isJSON
    }

    mutating func take(_ event: PeekAssembler.Event) -> Bool {
        switch event {
        case .none, .passedEnd, .change: return true
        case .committed(let transaction):
            for changes in transaction.changes { add(changes) }
            if !transaction.changes.isEmpty { note(transaction) }
            return counter.add(transaction)
        case .message(let changes, _):
            add(changes)
            return true
        case .rolledBack(let transaction):
            counter.addRolledBack()
            rolledBack += transaction.total
            return true
        }
    }

    private mutating func add(_ changes: PeekedChanges) {
        totals[changes.subject, default: PeekedChanges(changes.subject)] += changes
    }

    private mutating func note(_ transaction: PeekedTransaction) {
        if first == nil { first = transaction }
        last = transaction
        if transaction.total.bytes > largest?.total.bytes ?? -1 { largest = transaction }
    }

    // MARK: The result

    struct Line {
        var subject: PeekedChanges.Subject
        var operation: PeekedChanges.Operation
        var tally: ChangeTally
    }

    /// Those with most bytes first.
    private var lines: [Line] {
        totals.values.flatMap { changes in
            PeekedChanges.Operation.allCases.compactMap { operation in
                let tally = changes[operation]
                guard tally.count > 0 else { return nil }
                return Line(subject: changes.subject, operation: operation, tally: tally)
            }
        }.sorted { left, right in
            left.tally.bytes != right.tally.bytes
                ? left.tally.bytes > right.tally.bytes
                : PeekText.subject(left.subject) < PeekText.subject(right.subject)
        }
    }

    mutating func finish(_ report: SlotPeek.Report) throws {
        if isJSON {
            return try JSONOutput.print(PeekSummaryReport(of: self, lines: lines, report: report))
        }
        let style = TextStyle.output
        print(head(report).joined(separator: "\n"))
        if !lines.isEmpty { print((table.lines(style)).joined(separator: "\n")) }
        for line in tail(report) { print(line) }
    }

    var range: (first: PeekedTransaction, last: PeekedTransaction, largest: PeekedTransaction)? {
        guard let first, let last, let largest else { return nil }
        return (first, last, largest)
    }

    var rolledBackTally: ChangeTally { rolledBack }

    private func head(_ report: SlotPeek.Report) -> [String] {
        let end = report.isStopped ? last?.endLSN ?? report.end : report.end
        let bytes = end.rawValue - min(report.slot.confirmedFlushLSN.rawValue, end.rawValue)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        var lines = [
            """
            slot \(report.slot.name) through publication \
            \(report.publications.map(PrintedText.line).joined(separator: ", "))
            """,
            """
            from \(report.slot.confirmedFlushLSN) to \(end): \(Units.bytes(bytes)) of WAL, \
            \(PeekText.number(counter.shown, of: "transaction")), read in \
            \(Units.duration(seconds: seconds))
            """,
        ]
        guard let range else { return lines + ["no changes"] }
        lines.append(
            """
            committed \(range.first.commitTime.rfc3339) to \
            \(range.last.commitTime.rfc3339)
            """)
        lines.append(
            """
            largest: xid \(range.largest.xid), \
            \(PeekText.number(range.largest.total.count, of: "change")), \
            \(Units.bytes(range.largest.total.bytes)), end \(range.largest.endLSN)
            """)
        return lines + [""]
    }

    private var table: TextTable {
        let total = lines.reduce(into: ChangeTally()) { $0 += $1.tally }
        var table = TextTable(columns: [
            .init(title: "TABLE"), .init(title: "OPERATION"),
            .init(title: "CHANGES", side: .right), .init(title: "BYTES SENT", side: .right),
            .init(title: "SHARE", side: .right, dispensable: 1),
        ])
        table.rows = lines.map { line in
            TextTable.Row(cells: [
                PeekText.subject(line.subject), "\(line.operation)", "\(line.tally.count)",
                Units.bytes(line.tally.bytes),
                Units.percent(Double(line.tally.bytes) / Double(max(total.bytes, 1))),
            ])
        }
        table.rows.append(
            TextTable.Row(cells: ["all", "", "\(total.count)", Units.bytes(total.bytes), ""]))
        return table
    }

    private func tail(_ report: SlotPeek.Report) -> [String] {
        var lines = PeekFooter.uncommitted(in: counter, report: report)
        if rolledBack.count > 0 {
            let number = PeekText.number(rolledBack.count, of: "change")
            lines.append("  of \(number), \(Units.bytes(rolledBack.bytes)): not counted above")
        }
        if report.isStopped { lines.append("stopped at --limit: more may follow") }
        return lines.isEmpty ? [] : [""] + lines
    }
}
