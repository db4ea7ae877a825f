public import LeatCore
public import PGWire

/// Follows one row of a table through a stream: its birth, its changes, its death, and its next
/// life. Where its key changes, it goes on under the new one.
///
/// A table is known by its OID once its name was met, so that a renamed one is followed too.
public struct RowHistory: Sendable {
    public struct Event: Sendable {
        public enum Kind: String, Sendable {
            case insert, update, delete, truncate
        }

        public var kind: Kind
        public var lsn: LSN
        public var commitLSN: LSN
        public var commitTime: PostgresTimestamp
        public var xid: TransactionID
        public var table: TableName
        /// Columns that have another value than before; where that is not known, those that were
        /// sent.
        public var columns: [String]
        /// Whether what was before is not known, so that ``columns`` may name too many.
        public var isPartlyKnown: Bool
        /// The row afterwards, as far as it is known; of a delete, the row that went.
        public var values: [(column: String, value: String?)]
        /// The key that it has from here on, where that is another.
        public var newKey: [String?]?
        /// The key that it had before, where it has come to the wanted one only now.
        public var oldKey: [String?]?
    }

    private let table: TableName
    /// Of the identity's columns, in their order; nil is NULL.
    public private(set) var key: [String?]
    private var ids: Set<RelationID> = []
    /// The row as it was left, by column.
    private var row: [String: Value] = [:]

    fileprivate enum Value: Equatable {
        case null
        case bytes([UInt8])
    }

    /// A key that does not fit the table.
    public struct KeyMismatch: Error {
        public var columns: [String]
    }

    public init(table: TableName, key: [String?]) {
        self.table = table
        self.key = key
    }

    /// Whether the table was met.
    public var isKnown: Bool { !ids.isEmpty }

    /// What a batch tells of the row.
    public mutating func events(in batch: Batch) throws(KeyMismatch) -> [Event] {
        for relation in batch.relations where TableName(relation) == table {
            ids.insert(relation.id)
        }
        let wanted = Set(batch.relations.indices.filter { ids.contains(batch.relations[$0].id) })
        guard !wanted.isEmpty else { return [] }
        var events: [Event] = []
        for (index, transaction) in batch.transactions.enumerated() {
            for change in batch.changes[batch.changes(ofTransactions: index...index)] {
                if let event = try event(of: change, in: transaction, batch: batch, wanted: wanted)
                {
                    events.append(event)
                }
            }
        }
        return events
    }

    private mutating func event(
        of change: Change, in transaction: Transaction, batch: Batch, wanted: Set<Int>
    ) throws(KeyMismatch) -> Event? {
        switch change.kind {
        case .message:
            return nil
        case .truncate:
            let truncated = batch.truncates[Int(change.relation)].relations
            guard let index = truncated.first(where: { wanted.contains(Int($0)) }) else {
                return nil
            }
            row = [:]
            return Event(
                .truncate, change: change, in: transaction, of: batch.relations[Int(index)])
        case .insert, .update, .delete:
            guard wanted.contains(Int(change.relation)) else { return nil }
            return try rowEvent(of: change, in: transaction, batch: batch)
        }
    }

    private mutating func rowEvent(
        of change: Change, in transaction: Transaction, batch: Batch
    ) throws(KeyMismatch) -> Event? {
        let relation = batch.relations[Int(change.relation)]
        let keys = relation.columns.indices.filter { relation.columns[$0].isKey }
        guard keys.count == key.count else {
            throw KeyMismatch(columns: keys.map { relation.columns[$0].name })
        }
        let new = change.kind == .delete ? nil : keys.map { batch.value($0, of: change.new) }
        let old: [String??]? =
            change.kind == .insert
            ? nil
            : change.oldKind == .none ? new : keys.map { batch.value($0, of: change.old) }
        let wasThis = old.map { $0 == key.map(Optional.some) } ?? false
        let isThis = new.map { $0 == key.map(Optional.some) } ?? false
        guard wasThis || isThis else { return nil }
        let kind: Event.Kind
        switch change.kind {
        case .insert: kind = .insert
        case .delete: kind = .delete
        default: kind = .update
        }
        if wasThis { noteKey(keys.map { relation.columns[$0].name }) }
        var event = Event(kind, change: change, in: transaction, of: relation)
        take(change, in: batch, of: relation, wasThis: wasThis, into: &event)
        if kind == .update, let new, let old, new != old {
            if wasThis {
                key = zip(new, key).map { $0 ?? $1 }
                event.newKey = key
            } else {
                event.oldKey = old.map { $0 ?? nil }
            }
        }
        return event
    }

    /// What is not known of the row otherwise is its key.
    private mutating func noteKey(_ columns: [String]) {
        for (column, value) in zip(columns, key) where row[column] == nil {
            row[column] = value.map { .bytes(Array($0.utf8)) } ?? .null
        }
    }

    /// Compares with what is known of the row, and keeps what it is now.
    private mutating func take(
        _ change: Change, in batch: Batch, of relation: Relation, wasThis: Bool,
        into event: inout Event
    ) {
        var before = wasThis ? row : [:]
        if change.oldKind == .full {
            before = values(of: change.old, in: batch, relation: relation)
        }
        if change.kind == .delete {
            before.merge(values(of: change.old, in: batch, relation: relation)) { known, _ in known
            }
            event.values = relation.columns.compactMap { column in
                before[column.name].map { (column.name, $0.text) }
            }
            row = [:]
            return
        }
        let sent = values(of: change.new, in: batch, relation: relation)
        event.isPartlyKnown = change.kind == .update && sent.keys.contains { before[$0] == nil }
        for column in relation.columns {
            guard let value = sent[column.name] else { continue }
            if change.kind == .insert || before[column.name] != value {
                event.columns.append(column.name)
            }
        }
        let after = before.merging(sent) { _, new in new }
        event.values = relation.columns.compactMap { column in
            after[column.name].map { (column.name, $0.text) }
        }
        row = after
    }

    /// Without values that were not sent, and without the columns that a key tuple leaves out.
    private func values(of tuple: Tuple, in batch: Batch, relation: Relation) -> [String: Value] {
        var values: [String: Value] = [:]
        for (column, value) in zip(relation.columns, batch.columns(of: tuple)) {
            switch value.kind {
            case .unchangedTOAST: break
            case .null: values[column.name] = .null
            case .text, .binary: values[column.name] = .bytes(Array(batch.bytes[value.range]))
            }
        }
        return values
    }
}

extension RowHistory.Value {
    fileprivate var text: String? {
        switch self {
        case .null: nil
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }
}

extension RowHistory.Event {
    fileprivate init(
        _ kind: Kind, change: Change, in transaction: Transaction, of relation: Relation
    ) {
        self.init(
            kind: kind, lsn: change.lsn, commitLSN: transaction.commitLSN,
            commitTime: transaction.commitTime, xid: transaction.xid, table: TableName(relation),
            columns: [], isPartlyKnown: false, values: [])
    }
}

extension Batch {
    /// A column's value as text; nil: it was not sent.
    fileprivate func value(_ index: Int, of tuple: Tuple) -> String?? {
        guard index < Int(tuple.count) else { return .none }
        let column = columns[tuple.range.lowerBound + index]
        switch column.kind {
        case .unchangedTOAST: return .none
        case .null: return .some(nil)
        case .text, .binary: return .some(text(of: column))
        }
    }
}
