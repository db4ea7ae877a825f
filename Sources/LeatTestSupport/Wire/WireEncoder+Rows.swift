public import PGWire

extension WireEncoder {
    /// An Insert; streamed if it has a transaction ID.
    public static func insert(
        into relation: RelationID, _ new: [WireValue], xid: TransactionID? = nil
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.rowHeader(.insert, xid: xid, relation: relation)
        writer.tuple("N", of: new)
        return writer.bytes
    }

    /// An Update; streamed if it has a transaction ID.
    public static func update(
        _ relation: RelationID, old: WireOldTuple = .none, new: [WireValue],
        xid: TransactionID? = nil
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.rowHeader(.update, xid: xid, relation: relation)
        writer.oldTuple(old)
        writer.tuple("N", of: new)
        return writer.bytes
    }

    /// A Delete; streamed if it has a transaction ID. Without an old tuple it is
    /// one that no server sends.
    public static func delete(
        _ relation: RelationID, old: WireOldTuple, xid: TransactionID? = nil
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.rowHeader(.delete, xid: xid, relation: relation)
        writer.oldTuple(old)
        return writer.bytes
    }

    /// The bytes that `row` was decoded from, its values taken from `batch`.
    public static func encode(_ row: RowMessage, from batch: Batch) -> [UInt8] {
        var writer = ByteWriter()
        writer.rowHeader(kind(of: row), xid: row.xid, relation: row.relationID)
        switch row.oldKind {
        case .none: break
        case .key: writer.tuple("K", tuple: row.old, from: batch)
        case .full: writer.tuple("O", tuple: row.old, from: batch)
        }
        if row.kind != .delete { writer.tuple("N", tuple: row.new, from: batch) }
        return writer.bytes
    }

    private static func kind(of row: RowMessage) -> MessageKind {
        switch row.kind {
        case .insert: .insert
        case .update: .update
        case .delete: .delete
        case .truncate, .message: preconditionFailure("a row message of kind \(row.kind)")
        }
    }
}

extension ByteWriter {
    fileprivate mutating func rowHeader(
        _ kind: MessageKind, xid: TransactionID?, relation: RelationID
    ) {
        self.kind(kind)
        transactionID(xid)
        relationID(relation)
    }

    fileprivate mutating func oldTuple(_ tuple: WireOldTuple) {
        switch tuple {
        case .none: break
        case .key(let values): self.tuple("K", of: values)
        case .full(let values): self.tuple("O", of: values)
        }
    }

    fileprivate mutating func tuple(_ tag: Unicode.Scalar, of values: [WireValue]) {
        character(tag)
        integer(UInt16(values.count))
        for value in values {
            switch value {
            case .null: character("n")
            case .unchangedTOAST: character("u")
            case .text(let text): counted("t", of: Array(text.utf8))
            case .binary(let bytes): counted("b", of: bytes)
            }
        }
    }

    fileprivate mutating func tuple(_ tag: Unicode.Scalar, tuple: Tuple, from batch: Batch) {
        character(tag)
        integer(tuple.count)
        for column in batch.columns(of: tuple) {
            switch column.kind {
            case .null: character("n")
            case .unchangedTOAST: character("u")
            case .text: counted("t", of: batch.bytes[column.range])
            case .binary: counted("b", of: batch.bytes[column.range])
            }
        }
    }

    private mutating func counted(_ tag: Unicode.Scalar, of value: some Collection<UInt8>) {
        character(tag)
        integer(UInt32(value.count))
        raw(value)
    }
}
