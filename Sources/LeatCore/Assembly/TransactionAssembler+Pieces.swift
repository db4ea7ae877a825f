internal import PGWire

/// A streamed transaction that leaves in pieces.
///
/// Subtransactions nest: what lies between a subtransaction's first change and its rollback is its
/// own, its children's, or its parents' whose rollback comes with it. So one that is rolled back
/// takes along whatever followed its first change, as `rollback to savepoint` does on the target.
/// Where that change is still here it is enough to drop what followed.
struct StreamedPieces: Sendable {
    struct Subtransaction: Sendable {
        var xid: TransactionID
        /// The number of changes before it in the piece at hand; nil if it began in an earlier one.
        var firstChange: Int?
    }

    /// A piece was taken.
    var hasBegun = false
    /// Those that may still be rolled back, in their order. Nobody is told which are over.
    var subtransactions: [Subtransaction] = []
    var rollsBackTo: TransactionID?
    var isAborted = false
    /// It has too many subtransactions: what comes from here on is spooled.
    var spoolsRest = false
}

extension TransactionAssembler.StreamedTransaction {
    var isSpooled: Bool { pieces?.spoolsRest ?? true }
}

extension TransactionAssembler {
    /// Whether a transaction whose first block comes now may leave in pieces: there is a place for
    /// it, and it surely commits after every table's snapshot. The server streams what is in
    /// progress where it reads, and that is behind everything heard so far.
    var mayLeaveInPieces: Bool {
        guard streamed.count(where: { $0.value.pieces != nil }) < piecesAtOnce else { return false }
        return settledFrom <= start || heard >= settledFrom
    }

    // MARK: Whose batch it is

    /// Makes `batch` the next piece of this transaction, or one of whole transactions. What it was
    /// before becomes ready: the order of the stream is the order of handing over.
    mutating func turn(to next: TransactionID?) {
        guard next != owner else { return }
        closeBatch()
        owner = next
    }

    private mutating func closeBatch() {
        let isPiece = owner.map { streamed[$0]?.pieces?.isToBeSent ?? false } ?? false
        if isPiece || !batch.transactions.isEmpty {
            ready.append(takeBatch())
        } else {
            // Relations, and what is left of changes that were dropped.
            batch.removeAll()
            forgetIndexes()
        }
    }

    /// The owner's last piece is complete, or there is nothing in any.
    mutating func closePieces() {
        if completeTransactions == 0 { batch.removeAll() }
        closeBatch()
        owner = nil
    }

    /// Says of a batch which piece it is.
    mutating func markPiece(_ batch: inout Batch, of xid: TransactionID) {
        guard var pieces = streamed[xid]?.pieces else {
            preconditionFailure("a piece belongs to a streamed transaction")
        }
        var piece = StreamedPiece(xid: xid, isFirst: !pieces.hasBegun)
        piece.rollsBackTo = pieces.rollsBackTo
        piece.isAborted = pieces.isAborted
        for index in pieces.subtransactions.indices {
            guard let first = pieces.subtransactions[index].firstChange else { continue }
            piece.subtransactions.append(
                StreamedPiece.Subtransaction(
                    xid: pieces.subtransactions[index].xid, firstChange: first))
            pieces.subtransactions[index].firstChange = nil
        }
        if batch.transactions.isEmpty {
            batch.transactions.append(
                Transaction(
                    xid: xid, commitLSN: .zero, endLSN: .zero,
                    commitTime: PostgresTimestamp(rawValue: 0), firstChange: 0,
                    beganEarlier: pieces.hasBegun, isComplete: false))
        }
        batch.piece = piece
        pieces.hasBegun = true
        pieces.rollsBackTo = nil
        streamed[xid]?.pieces = pieces
    }

    // MARK: Blocks

    /// A block of the transaction begins.
    mutating func blockBegan(of xid: TransactionID) {
        guard let transaction = streamed[xid], let pieces = transaction.pieces,
            !pieces.spoolsRest
        else { return phase.keepingBegan(xid) }
        turn(to: xid)
        phase.pieceBegan(
            OpenTransaction(
                xid: xid, commitLSN: .zero, commitTime: PostgresTimestamp(rawValue: 0),
                beganEarlier: pieces.hasBegun,
                indexInBatch: batch.transactions.isEmpty ? nil : 0),
            from: transaction.origin)
        forgetTargets()
        keepTargetsIfSettled()
    }

    mutating func appendPiece(
        _ kind: MessageKind, body: RawSpan, to xid: TransactionID, at lsn: LSN
    ) throws(StreamError) -> Action {
        let subxid = try subxid(of: body, at: lsn)
        if subxid != phase.subtransaction, !enter(subxid, of: xid) {
            streamed[xid]?.pieces?.spoolsRest = true
            phase.keepingBegan(xid)
            forgetTargets()
            return .spool(xid)
        }
        guard kind == .truncate else {
            try appendRow(body, streamed: true, at: lsn)
            return .none
        }
        if case .truncate(let truncate) = try decode(body, streamed: true, at: lsn) {
            try appendTruncate(truncate, at: lsn)
        }
        return .none
    }

    /// - Returns: False if there are too many subtransactions.
    private mutating func enter(_ subxid: TransactionID, of xid: TransactionID) -> Bool {
        let known = streamed[xid]?.pieces?.subtransactions ?? []
        if subxid != xid, !known.contains(where: { $0.xid == subxid }) {
            guard known.count < mostSubtransactions else { return false }
            streamed[xid]?.pieces?.subtransactions.append(
                StreamedPieces.Subtransaction(xid: subxid, firstChange: batch.changes.count))
        }
        phase.entered(subxid)
        return true
    }

    // MARK: Rollback

    mutating func rollBackPieces(of xid: TransactionID, to subxid: TransactionID) {
        guard let known = streamed[xid]?.pieces?.subtransactions,
            let index = known.lastIndex(where: { $0.xid == subxid })
        else { return }
        if let first = known[index].firstChange {
            // Without a change for us the piece has given way to another batch.
            if owner == xid { dropChanges(from: first) }
        } else {
            turn(to: xid)
            dropChanges(from: 0)
            streamed[xid]?.pieces?.rollsBackTo = subxid
        }
        streamed[xid]?.pieces?.subtransactions.removeSubrange(index...)
    }

    mutating func abandonPieces(of xid: TransactionID) {
        guard let pieces = streamed[xid]?.pieces else { return }
        if pieces.hasBegun {
            turn(to: xid)
            dropChanges(from: 0)
            streamed[xid]?.pieces?.subtransactions = []
            streamed[xid]?.pieces?.isAborted = true
        } else if owner == xid {
            batch.removeAll()
            forgetIndexes()
        }
        guard owner == xid else { return }
        closeBatch()
        owner = nil
    }

    /// Their bytes stay until the batch goes, which one without any change does not: it would be
    /// full for ever.
    private mutating func dropChanges(from first: Int) {
        guard first == 0 else {
            batch.changes.removeLast(batch.changes.count - first)
            return
        }
        batch.removeAll()
        forgetIndexes()
    }
}

extension StreamedPieces {
    /// Whether there is something to do for the target even without a change.
    fileprivate var isToBeSent: Bool { rollsBackTo != nil || isAborted }
}
