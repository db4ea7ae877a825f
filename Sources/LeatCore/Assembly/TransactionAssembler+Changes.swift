internal import PGWire

extension TransactionAssembler {
    // MARK: Changes

    mutating func appendRow(
        _ body: RawSpan, streamed: Bool, at lsn: LSN
    ) throws(StreamError) {
        let (bytes, columns) = (batch.bytes.count, batch.columns.count)
        let row = try decodeRow(body, streamed: streamed, at: lsn)
        let target = try target(row.relationID, at: lsn)
        if row.oldKind != .none { try check(row.old, against: target, at: lsn) }
        if row.kind != .delete { try check(row.new, against: target, at: lsn) }
        guard let index = target.index else {
            batch.bytes.removeLast(batch.bytes.count - bytes)
            batch.columns.removeLast(batch.columns.count - columns)
            return
        }
        _ = openIndex()
        batch.changes.append(
            Change(
                kind: row.kind, oldKind: row.oldKind, relation: index, old: row.old,
                new: row.new, lsn: lsn))
    }

    func check(
        _ tuple: Tuple, against target: Target, at lsn: LSN
    ) throws(StreamError) {
        guard Int(tuple.count) == target.columnCount else {
            throw StreamError(
                .columnCount(expected: target.columnCount, got: Int(tuple.count)), at: lsn)
        }
    }

    mutating func appendTruncate(
        _ truncate: TruncateMessage, at lsn: LSN
    ) throws(StreamError) {
        var indexes: [UInt32] = []
        for id in truncate.relationIDs {
            if let index = try target(id, at: lsn).index { indexes.append(index) }
        }
        guard !indexes.isEmpty else { return }
        _ = openIndex()
        batch.truncates.append(
            Truncate(
                relations: indexes, cascade: truncate.cascade,
                restartIdentity: truncate.restartIdentity))
        batch.changes.append(
            Change(
                kind: .truncate, oldKind: .none, relation: UInt32(batch.truncates.count - 1),
                old: .none, new: .none, lsn: lsn))
    }

    /// The open transaction's place in the batch, made at its first change there.
    mutating func openIndex() -> Int {
        if let index = phase.indexInBatch { return index }
        guard let transaction = phase.open else { preconditionFailure("no transaction is open") }
        let index = append(transaction)
        phase.changeOpen { $0.indexInBatch = index }
        return index
    }

    /// - Returns: Its place in the batch.
    mutating func append(_ transaction: OpenTransaction) -> Int {
        batch.transactions.append(
            Transaction(
                xid: transaction.xid, commitLSN: transaction.commitLSN, endLSN: .zero,
                commitTime: transaction.commitTime, origin: phase.origin,
                firstChange: batch.changes.count, beganEarlier: transaction.beganEarlier,
                isComplete: false))
        return batch.transactions.count - 1
    }

    // MARK: Decoding

    func kind(of body: RawSpan, at lsn: LSN) throws(StreamError) -> MessageKind {
        do { return try decoder.kind(of: body) } catch {
            throw StreamError(.malformed(error), at: lsn)
        }
    }

    func subxid(of body: RawSpan, at lsn: LSN) throws(StreamError) -> TransactionID {
        do { return try decoder.streamedXID(of: body) } catch {
            throw StreamError(.malformed(error), at: lsn)
        }
    }

    func isTransactional(_ body: RawSpan, at lsn: LSN) throws(StreamError) -> Bool {
        do { return try decoder.isTransactional(body, streamed: true) } catch {
            throw StreamError(.malformed(error), at: lsn)
        }
    }

    func decode(
        _ body: RawSpan, streamed: Bool, at lsn: LSN
    ) throws(StreamError) -> ControlMessage {
        do { return try decoder.decodeControl(body, streamed: streamed) } catch {
            throw StreamError(.malformed(error), at: lsn)
        }
    }

    mutating func decodeRow(
        _ body: RawSpan, streamed: Bool, at lsn: LSN
    ) throws(StreamError) -> RowMessage {
        do { return try decoder.decodeRow(body, streamed: streamed, into: &batch) } catch {
            throw StreamError(.malformed(error), at: lsn)
        }
    }
}
