internal import PGWire

// Logical messages (`pg_logical_emit_message`), where they are kept.

extension TransactionAssembler {
    mutating func received(
        _ message: LogicalDecodingMessage, at lsn: LSN
    ) throws(StreamError) -> Action {
        guard keepsMessages else { return .none }
        try grammar.checkMessage(
            isTransactional: message.isTransactional, in: phase.place, at: lsn)
        guard !message.isTransactional else {
            try appendMessage(message, at: lsn)
            return .none
        }
        return try appendAlone(message, at: lsn)
    }

    /// Within the open transaction.
    mutating func appendMessage(
        _ message: LogicalDecodingMessage, at lsn: LSN
    ) throws(StreamError) {
        guard let open = phase.open, !open.isUnwanted, open.commitLSN >= position else { return }
        try checkRoom(for: message, at: lsn)
        _ = openIndex()
        appendChange(message, at: lsn)
    }

    /// One that took effect at once, whatever became of the transaction around it.
    ///
    /// Its LSN is the *end* of its record (`logicalmsg_decode` gives `endptr`). A commit record may
    /// begin right there, so the position is not a byte further: the server would leave that
    /// transaction out.
    private mutating func appendAlone(
        _ message: LogicalDecodingMessage, at lsn: LSN
    ) throws(StreamError) -> Action {
        try grammar.messageCame(message.lsn, at: lsn)
        guard message.lsn > position else {
            return .committed(end: message.lsn, isEmpty: true)
        }
        try checkRoom(for: message, at: lsn)
        batch.transactions.append(
            Transaction(
                xid: TransactionID(rawValue: 0), commitLSN: message.lsn, endLSN: message.lsn,
                commitTime: PostgresTimestamp(rawValue: 0), firstChange: batch.changes.count))
        appendChange(message, at: lsn)
        completeTransactions += 1
        return .committed(end: message.lsn, isEmpty: false)
    }

    private func checkRoom(
        for message: LogicalDecodingMessage, at lsn: LSN
    ) throws(StreamError) {
        guard batch.bytes.count + message.content.count < Int(UInt32.max) else {
            throw StreamError(
                .malformed(
                    DecodeError(.batchFull, at: 0, messageKind: MessageKind.message.rawValue)),
                at: lsn)
        }
    }

    private mutating func appendChange(_ message: LogicalDecodingMessage, at lsn: LSN) {
        batch.messages.append(
            LogicalMessage(
                isTransactional: message.isTransactional, lsn: message.lsn,
                prefix: message.prefix, contentOffset: UInt32(batch.bytes.count),
                contentLength: UInt32(message.content.count)))
        if message.content.count > 1 << 20 {
            // With the NUL: to grow for that would take twice as much again.
            batch.bytes.reserveCapacity(batch.bytes.count + message.content.count + 1)
        }
        batch.bytes += message.content
        batch.bytes.append(0)
        batch.changes.append(
            Change(kind: .message, relation: UInt32(batch.messages.count - 1), lsn: lsn))
    }
}
