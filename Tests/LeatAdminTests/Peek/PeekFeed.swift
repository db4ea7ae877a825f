import LeatAdmin
import LeatCore
import PGWire

/// Feeds a peek assembler and writes down what it tells, a line an event.
struct PeekFeed {
    private var assembler: PeekAssembler
    private(set) var lines: [String] = []
    private(set) var passedEnd = false
    /// Of the last transaction: tables and prefixes, and how they were counted.
    private(set) var subjects = 0
    private(set) var counted = ""

    init(tables: [String] = [], end: LSN = LSN(rawValue: .max), showsChanges: Bool = false) {
        assembler = PeekAssembler(
            decoder: MessageDecoder(protocolVersion: 2),
            tables: tables.compactMap { TablePattern($0) }, end: end, showsChanges: showsChanges)
    }

    var inProgress: [String] {
        assembler.inProgress.map { "\($0.xid): \(PeekFeed.brief($0.changes))" }
    }

    mutating func give(_ messages: [[UInt8]]) throws {
        for message in messages {
            switch try assembler.receive(message.span.bytes, at: 0) {
            case .none: break
            case .change(let change, let transaction):
                lines.append("\(transaction?.xid.rawValue ?? 0) \(PeekFeed.line(change))")
            case .committed(let transaction): add(transaction)
            case .message(let changes, _):
                lines.append("message \(PeekFeed.name(changes, short: true))")
            case .rolledBack(let transaction):
                lines.append(
                    "rolled back \(transaction.xid): \(PeekFeed.brief(transaction.changes))")
            case .passedEnd: passedEnd = true
            }
        }
    }

    private mutating func add(_ transaction: PeekedTransaction) {
        subjects = transaction.changes.count
        counted = transaction.changes.map(PeekFeed.text).joined(separator: ", ")
        let origin = transaction.origin.map { " \($0)" } ?? ""
        let head = "\(transaction.xid) \(transaction.commitLSN)..\(transaction.endLSN)\(origin):"
        lines.append(counted.isEmpty ? head : "\(head) \(counted)")
    }

    private static func text(_ changes: PeekedChanges) -> String {
        let tallies = PeekedChanges.Operation.allCases.compactMap { operation in
            let tally = changes[operation]
            return tally.count == 0 ? nil : "\(operation) \(tally.count)/\(tally.bytes)"
        }
        return ([name(changes)] + tallies).joined(separator: " ")
    }

    private static func brief(_ changes: [PeekedChanges]) -> String {
        changes.map { "\(name($0)) \($0.total.count)" }.joined(separator: ", ")
    }

    private static func name(_ changes: PeekedChanges, short: Bool = false) -> String {
        switch changes.subject {
        case .table(let name): "\(name)"
        case .messages(let prefix): short ? prefix : "messages \(prefix)"
        case .otherMessages: "other messages"
        }
    }

    private static func line(_ change: PeekedChange) -> String {
        switch change.content {
        case .insert(let table, let new): "insert \(table) \(columns(new))"
        case .update(let table, let old, let new):
            "update \(table) \(columns(old)) -> \(columns(new))"
        case .delete(let table, let old): "delete \(table) \(columns(old))"
        case .truncate(let tables, let cascade, let restartIdentity):
            "truncate \(tables.map(\.description).joined(separator: " "))"
                + (cascade ? " cascade" : "") + (restartIdentity ? " restart" : "")
        case .message(let prefix, let content, let isTransactional):
            "message \(prefix) \(content.count)\(isTransactional ? " in transaction" : "")"
        }
    }

    private static func columns(_ columns: [PeekedChange.Column]) -> String {
        columns.map { column in
            switch column.value {
            case .null: "\(column.name)=NULL"
            case .unchangedTOAST: "\(column.name)=unchanged"
            case .text(let text): "\(column.name)=\(text)"
            }
        }.joined(separator: " ")
    }
}
