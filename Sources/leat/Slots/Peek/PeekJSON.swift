import Foundation
import LeatAdmin
import LeatCore
import PGWire

/// One JSON object a line.
struct PeekJSONView: PeekView {
    var counter: PeekCounter

    mutating func take(_ event: PeekAssembler.Event) throws -> Bool {
        switch event {
        case .none, .passedEnd: return true
        case .change(let change, let transaction):
            try write(PeekJSON.Change(change, in: transaction))
            return true
        case .committed(let transaction):
            if !transaction.changes.isEmpty { try write(PeekJSON.Transaction(transaction)) }
            return counter.add(transaction)
        case .message(let changes, let lsn):
            try write(
                PeekJSON.Message(lsn: "\(lsn)", changes: [PeekJSON.Changes(changes)]))
            return true
        case .rolledBack(let transaction):
            try write(PeekJSON.Uncommitted("rolled_back", of: transaction))
            return true
        }
    }

    mutating func finish(_ report: SlotPeek.Report) throws {
        for transaction in report.inProgress {
            try write(PeekJSON.Uncommitted("in_progress", of: transaction))
        }
        try write(PeekJSON.End(report))
    }

    private func write(_ value: some Encodable) throws {
        print(try JSONOutput.text(value, isLine: true))
    }
}

/// The objects.
enum PeekJSON {
    struct Tally: Encodable {
        var count: Int
        var bytes: Int

        init(_ tally: ChangeTally) {
            (count, bytes) = (tally.count, tally.bytes)
        }
    }

    /// Of one table, or of the messages of one prefix; the counts by operation.
    struct Changes: Encodable {
        var table: String?
        var messagePrefix: String?
        var operations: [String: Tally] = [:]

        init(_ changes: PeekedChanges) {
            switch changes.subject {
            case .table(let name): table = "\(name)"
            case .messages(let prefix): messagePrefix = prefix
            case .otherMessages: break
            }
            for operation in PeekedChanges.Operation.allCases where changes[operation].count > 0 {
                operations["\(operation)"] = Tally(changes[operation])
            }
        }
    }

    struct Transaction: Encodable {
        var type = "transaction"
        var xid: UInt32
        var commitLSN: String
        var endLSN: String
        var commitTime: String
        var origin: String?
        /// Came while it was in progress.
        var isStreamed: Bool
        var changes: [Changes]

        init(_ transaction: PeekedTransaction) {
            xid = transaction.xid.rawValue
            commitLSN = "\(transaction.commitLSN)"
            endLSN = "\(transaction.endLSN)"
            commitTime = transaction.commitTime.rfc3339
            origin = transaction.origin
            isStreamed = transaction.isStreamed
            changes = transaction.changes.map(Changes.init)
        }
    }

    struct Uncommitted: Encodable {
        var type: String
        var xid: UInt32
        var changes: [Changes]

        init(_ type: String, of transaction: UncommittedTransaction) {
            self.type = type
            xid = transaction.xid.rawValue
            changes = transaction.changes.map(Changes.init)
        }
    }

    /// Outside of transactions.
    struct Message: Encodable {
        var type = "message"
        var lsn: String
        var changes: [Changes]
    }

    struct End: Encodable {
        var type = "end"
        var slot: String
        var publications: [String]
        var confirmedFlushLSN: String
        /// Transactions that commit at or after it were not read.
        var endLSN: String
        /// False: more may follow before that.
        var isComplete: Bool

        init(_ report: SlotPeek.Report) {
            slot = report.slot.name
            publications = report.publications
            confirmedFlushLSN = "\(report.slot.confirmedFlushLSN)"
            endLSN = "\(report.end)"
            isComplete = !report.isStopped
        }
    }

    struct Column: Encodable {
        var column: PeekedChange.Column

        private enum CodingKeys: String, CodingKey { case name, value, isUnchanged }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(column.name, forKey: .name)
            switch column.value {
            case .null: try container.encodeNil(forKey: .value)
            case .unchangedTOAST: try container.encode(true, forKey: .isUnchanged)
            case .text(let text): try container.encode(text, forKey: .value)
            }
        }
    }

    /// With values: what every JSON of a change has, and what is peek's own.
    struct Change: Encodable {
        private var head: ChangeHead
        private var content: Content

        init(_ change: PeekedChange, in transaction: PeekedTransaction?) {
            content = Content(change.content)
            head = ChangeHead(of: Content.operation(change.content), at: change.lsn)
            if let transaction {
                head.add(
                    xid: transaction.xid, commitLSN: transaction.commitLSN,
                    commitTime: transaction.commitTime, origin: transaction.origin)
            }
            switch change.content {
            case .insert(let table, _), .update(let table, _, _), .delete(let table, _):
                head.add(table: table)
            case .truncate(let tables, _, _): head.add(tables: tables)
            case .message: break
            }
        }

        func encode(to encoder: any Encoder) throws {
            try head.encode(to: encoder)
            try content.encode(to: encoder)
        }
    }

    /// What of a change is peek's own.
    struct Content: Encodable {
        var type = "change"
        /// That of a row once more; those of a truncate are in the head.
        var tables: [String]?
        var old: [Column]?
        var new: [Column]?
        var isCascade: Bool?
        var restartsIdentity: Bool?
        var messagePrefix: String?
        /// In base64.
        var content: Data?

        init(_ change: PeekedChange.Content) {
            switch change {
            case .insert(let table, let columns):
                tables = [table.joined]
                new = columns.map(Column.init)
            case .update(let table, let before, let after):
                tables = [table.joined]
                if !before.isEmpty { old = before.map(Column.init) }
                new = after.map(Column.init)
            case .delete(let table, let before):
                tables = [table.joined]
                old = before.map(Column.init)
            case .truncate(_, let cascade, let restartIdentity):
                (isCascade, restartsIdentity) = (cascade, restartIdentity)
            case .message(let prefix, let bytes, _):
                (messagePrefix, content) = (prefix, Data(bytes))
            }
        }

        static func operation(_ change: PeekedChange.Content) -> PGWire.Change.Kind {
            switch change {
            case .insert: .insert
            case .update: .update
            case .delete: .delete
            case .truncate: .truncate
            case .message: .message
            }
        }
    }
}

/// What `--summary --json` prints.
struct PeekSummaryReport: Encodable {
    struct Line: Encodable {
        var table: String?
        var messagePrefix: String?
        var operation: String
        var count: Int
        var bytes: Int
    }

    var slot: String
    var publications: [String]
    var confirmedFlushLSN: String
    var endLSN: String
    var isComplete: Bool
    var transactions: Int
    var emptyTransactions: Int
    var firstCommitTime: String?
    var lastCommitTime: String?
    var largest: PeekJSON.Transaction?
    var rolledBackTransactions: Int
    var rolledBack: PeekJSON.Tally
    var inProgress: [PeekJSON.Uncommitted]
    var changes: [Line]

    init(of view: PeekSummaryView, lines: [PeekSummaryView.Line], report: SlotPeek.Report) {
        slot = report.slot.name
        publications = report.publications
        confirmedFlushLSN = "\(report.slot.confirmedFlushLSN)"
        endLSN = "\(report.end)"
        isComplete = !report.isStopped
        (transactions, emptyTransactions) = (view.counter.shown, view.counter.empty)
        firstCommitTime = view.range.map { $0.first.commitTime.rfc3339 }
        lastCommitTime = view.range.map { $0.last.commitTime.rfc3339 }
        largest = view.range.map { PeekJSON.Transaction($0.largest) }
        rolledBackTransactions = view.counter.rolledBack
        rolledBack = PeekJSON.Tally(view.rolledBackTally)
        inProgress = report.inProgress.map { PeekJSON.Uncommitted("in_progress", of: $0) }
        changes = lines.map { line in
            var table: String?
            var prefix: String?
            switch line.subject {
            case .table(let name): table = "\(name)"
            case .messages(let text): prefix = text
            case .otherMessages: break
            }
            return Line(
                table: table, messagePrefix: prefix, operation: "\(line.operation)",
                count: line.tally.count, bytes: line.tally.bytes)
        }
    }
}
