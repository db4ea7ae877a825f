// The path of a row: no object, string or existential. The columns are read
// from the message where it lies; then its bytes go into the arena in one copy,
// and the byte behind each value, which has been read by now, becomes a NUL.
// (Copying first and reading afterwards would have to undo the copy on errors.)

extension MessageDecoder {
    /// Decodes an Insert, Update or Delete: its bytes go into the arena, its
    /// columns into the table of columns. Nothing else of the batch changes, and
    /// nothing at all if it throws.
    ///
    /// - Throws: ``DecodeError``; `.unexpectedMessage` for all other kinds,
    ///   `.batchFull` if the arena would pass 4 GiB.
    public func decodeRow(
        _ body: RawSpan, streamed: Bool, into batch: inout Batch
    ) throws(DecodeError) -> RowMessage {
        var cursor = ByteCursor(body)
        let kind = try kind(&cursor, streamed: streamed)
        let start = batch.columns.count
        // One more: the NUL behind the last value. Columns need at least a byte
        // each, so their indices fit as well if the sum does.
        guard batch.bytes.count + start + body.byteCount < Int(UInt32.max) else {
            throw cursor.error(.batchFull, at: 0)
        }

        let row: RowMessage
        do throws(DecodeError) {
            row = try self.row(
                kind, from: &cursor, streamed: streamed, base: UInt32(batch.bytes.count),
                columns: &batch.columns)
            try cursor.finish()
        } catch {
            batch.columns.removeSubrange(start...)
            throw error
        }
        if body.byteCount > MessageDecoder.largeBytes {
            // With the NUL: to grow for that would take twice as much again.
            batch.bytes.reserveCapacity(batch.bytes.count + body.byteCount + 1)
        }
        body.withUnsafeBytes { batch.bytes.append(contentsOf: $0) }
        batch.bytes.append(0)
        terminateValues(of: batch.columns, from: start, in: &batch.bytes)
        return row
    }

    private static var largeBytes: Int { 1 << 20 }

    private func row(
        _ kind: MessageKind, from cursor: inout ByteCursor, streamed: Bool, base: UInt32,
        columns: inout [Column]
    ) throws(DecodeError) -> RowMessage {
        guard kind.isRow else { throw cursor.error(.unexpectedMessage(kind.rawValue), at: 0) }
        let xid = try streamedXID(&cursor, streamed: streamed)
        var row = RowMessage(kind: .insert, xid: xid, relationID: try cursor.relationID())
        var tag = try cursor.byte()
        if kind != .insert, let oldKind = Change.OldTuple(tag: tag) {
            row.oldKind = oldKind
            row.old = try cursor.tuple(base: base, into: &columns)
            if kind == .update { tag = try cursor.byte() }
        } else if kind == .delete {
            throw cursor.error(.unknownTupleKind(tag), at: cursor.offset - 1)
        }
        if kind == .delete {
            row.kind = .delete
            return row
        }
        guard tag == UInt8(ascii: "N") else {
            throw cursor.error(.unknownTupleKind(tag), at: cursor.offset - 1)
        }
        row.kind = kind == .update ? .update : .insert
        row.new = try cursor.tuple(base: base, into: &columns)
        return row
    }
}

extension Change.OldTuple {
    /// From the byte before a tuple; nil if it is not before an old one.
    fileprivate init?(tag: UInt8) {
        switch tag {
        case UInt8(ascii: "K"): self = .key
        case UInt8(ascii: "O"): self = .full
        default: return nil
        }
    }
}

extension ByteCursor {
    /// Reads TupleData, with offsets for a message that will begin at `base`.
    fileprivate mutating func tuple(
        base: UInt32, into columns: inout [Column]
    ) throws(DecodeError) -> Tuple {
        let count = try count(Int16.self, minimumBytes: 1)
        let first = columns.count
        for _ in 0..<count { columns.append(try column(base: base)) }
        // Both fit: checked against the batch above, and an Int16.
        return Tuple(first: UInt32(first), count: UInt16(count))
    }

    private mutating func column(base: UInt32) throws(DecodeError) -> Column {
        let tag = try byte()
        switch tag {
        case UInt8(ascii: "t"): return try value(.text, base: base)
        case UInt8(ascii: "n"): return Column(kind: .null)
        case UInt8(ascii: "u"): return Column(kind: .unchangedTOAST)
        case UInt8(ascii: "b"): return try value(.binary, base: base)
        default: throw error(.unknownColumnKind(tag), at: offset - 1)
        }
    }

    private mutating func value(
        _ kind: Column.Kind, base: UInt32
    ) throws(DecodeError) -> Column {
        let length = try count(Int32.self, minimumBytes: 1)
        let start = offset
        try skip(length)
        // The batch has room for the whole message, so the sum fits.
        return Column(kind: kind, offset: base + UInt32(start), length: UInt32(length))
    }
}

/// Puts a NUL behind every value of the columns from `start` on.
private func terminateValues(of columns: [Column], from start: Int, in bytes: inout [UInt8]) {
    var arena = bytes.mutableSpan
    for index in start..<columns.count where columns[index].hasValue {
        arena[columns[index].range.upperBound] = 0
    }
}
