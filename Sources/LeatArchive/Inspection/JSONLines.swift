public import LeatCore
public import PGWire

/// Writes changes as JSON, one object a line.
///
///     {"lsn":"0/1A2B3C8","operation":"update","commit_lsn":"0/1A2B400","xid":742,"commit_time":"2026-11-25T14:00:00.000000Z","table":"public.orders","op":"update","key":{"id":"7"},"new":{"id":"7","state":"paid"},"unchanged":["note"]}
///
/// What is the same in every JSON of a change is a ``ChangeHead``; `op` is an older name of
/// `operation`.
/// Values are PostgreSQL's text, as strings; NULL is null. `key` is the identity before an update
/// that changes it, or of a row that is deleted; `old` the whole row before, where the source sends
/// it; `unchanged` names large values that were not sent because they are as before.
public struct JSONLines {
    private var output: [UInt8] = []
    private let wants: (TableName) -> Bool
    private let wantsMessages: Bool

    /// - Parameter wantsMessages: Logical messages belong to no table.
    public init(
        wantsMessages: Bool = true, wants: @escaping (TableName) -> Bool = { _ in true }
    ) {
        self.wantsMessages = wantsMessages
        self.wants = wants
    }

    /// The lines of a batch. The memory is taken over by the caller.
    public mutating func lines(of batch: Batch) -> [UInt8] {
        output.removeAll(keepingCapacity: true)
        let isWanted = batch.relations.map { wants(TableName($0)) }
        for (index, transaction) in batch.transactions.enumerated() {
            for change in batch.changes[batch.changes(ofTransactions: index...index)] {
                write(change, of: transaction, in: batch, isWanted: isWanted)
            }
        }
        return output
    }

    private mutating func write(
        _ change: Change, of transaction: Transaction, in batch: Batch, isWanted: [Bool]
    ) {
        var head = JSONLines.head(of: change, in: transaction)
        switch change.kind {
        case .insert, .update, .delete:
            guard isWanted[Int(change.relation)] else { return }
            let relation = batch.relations[Int(change.relation)]
            head.add(table: TableName(relation))
            begin(head, kind: change.kind)
            row(of: change, in: batch, relation: relation)
        case .truncate:
            let truncate = batch.truncates[Int(change.relation)]
            let tables = truncate.relations.filter { isWanted[Int($0)] }
            guard !tables.isEmpty else { return }
            head.add(tables: tables.map { TableName(batch.relations[Int($0)]) })
            begin(head, kind: change.kind)
            if truncate.cascade { raw(",\"cascade\":true") }
            if truncate.restartIdentity { raw(",\"restart_identity\":true") }
        case .message:
            guard wantsMessages else { return }
            begin(head, kind: change.kind)
            message(batch.messages[Int(change.relation)], in: batch)
        }
        raw("}\n")
    }

    private static func head(of change: Change, in transaction: Transaction) -> ChangeHead {
        var head = ChangeHead(of: change.kind, at: change.lsn)
        head.add(transaction)
        return head
    }

    private mutating func begin(_ head: ChangeHead, kind: Change.Kind) {
        raw("{")
        for (name, value) in head.fields {
            if name != .lsn { raw(",") }
            raw("\"\(name.rawValue)\":")
            switch value {
            case .text(let text): string(Array(text.utf8)[...])
            case .number(let number): raw("\(number)")
            case .texts(let texts): strings(texts)
            }
        }
        raw(",\"op\":\"\(kind)\"")
    }

    private mutating func row(of change: Change, in batch: Batch, relation: Relation) {
        switch change.oldKind {
        case .none: break
        case .key: tuple("key", tuple: change.old, in: batch, of: relation, keysOnly: true)
        case .full: tuple("old", tuple: change.old, in: batch, of: relation, keysOnly: false)
        }
        guard change.kind != .delete else { return }
        tuple("new", tuple: change.new, in: batch, of: relation, keysOnly: false)
        let unchanged = zip(relation.columns, batch.columns(of: change.new))
            .filter { $0.1.kind == .unchangedTOAST }.map(\.0.name)
        guard !unchanged.isEmpty else { return }
        raw(",\"unchanged\":")
        strings(unchanged)
    }

    private mutating func tuple(
        _ name: String, tuple: Tuple, in batch: Batch, of relation: Relation, keysOnly: Bool
    ) {
        raw(",\"\(name)\":{")
        var isFirst = true
        for (column, value) in zip(relation.columns, batch.columns(of: tuple)) {
            guard value.kind != .unchangedTOAST, !keysOnly || column.isKey else { continue }
            if !isFirst { raw(",") }
            isFirst = false
            string(Array(column.name.utf8)[...])
            raw(":")
            if value.hasValue { string(batch.bytes[value.range]) } else { raw("null") }
        }
        raw("}")
    }

    private mutating func message(_ message: LogicalMessage, in batch: Batch) {
        raw(",\"transactional\":\(message.isTransactional),\"prefix\":")
        string(Array(message.prefix.utf8)[...])
        raw(",\"content\":")
        string(batch.bytes[message.contentRange])
    }

    private mutating func strings(_ texts: [String]) {
        raw("[")
        for (index, text) in texts.enumerated() {
            if index > 0 { raw(",") }
            string(Array(text.utf8)[...])
        }
        raw("]")
    }

    private mutating func raw(_ text: String) {
        output.append(contentsOf: text.utf8)
    }

    /// What is no UTF-8 is replaced: JSON has nothing else. What a terminal would obey is escaped.
    private mutating func string(_ bytes: ArraySlice<UInt8>) {
        output.append(UInt8(ascii: "\""))
        let isASCII = bytes.allSatisfy { $0 < 0x80 }
        if isASCII {
            for byte in bytes { escaped(byte) }
        } else {
            for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars { escaped(scalar) }
        }
        output.append(UInt8(ascii: "\""))
    }

    private mutating func escaped(_ scalar: Unicode.Scalar) {
        if scalar.isASCII {
            escaped(UInt8(scalar.value))
        } else if PrintedText.isOdd(scalar) {
            for unit in String(scalar).utf16 {
                raw("\\u" + PrintedText.hexadecimal(UInt32(unit), digits: 4))
            }
        } else {
            output.append(contentsOf: String(scalar).utf8)
        }
    }

    private mutating func escaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): raw("\\\"")
        case UInt8(ascii: "\\"): raw("\\\\")
        case UInt8(ascii: "\n"): raw("\\n")
        case UInt8(ascii: "\r"): raw("\\r")
        case UInt8(ascii: "\t"): raw("\\t")
        case 0..<0x20, 0x7F:
            raw("\\u" + PrintedText.hexadecimal(UInt32(byte), digits: 4))
        default: output.append(byte)
        }
    }
}

extension ChangeHead {
    /// What stands for a message outside of a transaction has no number, and no time.
    fileprivate mutating func add(_ transaction: Transaction) {
        guard transaction.xid.rawValue != 0 else {
            return add(commitLSN: transaction.commitLSN, origin: transaction.origin)
        }
        add(
            xid: transaction.xid, commitLSN: transaction.commitLSN,
            commitTime: transaction.commitTime, origin: transaction.origin)
    }
}
