public import PGWire

extension TransactionAssembler {
    mutating func streamStarted(
        _ start: StreamStartMessage, of kind: MessageKind, at lsn: LSN
    ) throws(StreamError) -> Action {
        guard open == nil else { throw StreamError(.outOfOrder(kind), at: lsn) }
        streaming = start.xid
        heard = max(heard, lsn)
        guard start.isFirstSegment else {
            guard streamed[start.xid] != nil else {
                throw StreamError(.unknownStreamedTransaction(start.xid), at: lsn)
            }
            resumePieces(of: start.xid)
            return .none
        }
        guard start.xid.rawValue != 0 else {
            throw StreamError(.noTransactionID(kind), at: lsn)
        }
        guard streamed[start.xid] == nil else {
            throw StreamError(.repeatedFirstBlock(start.xid), at: lsn)
        }
        let leavesInPieces = mayLeaveInPieces
        streamed[start.xid] = StreamedTransaction(pieces: leavesInPieces ? StreamedPieces() : nil)
        resumePieces(of: start.xid)
        return .discard(start.xid)
    }

    mutating func receiveStreamed(
        _ kind: MessageKind, body: RawSpan, of xid: TransactionID, at lsn: LSN
    ) throws(StreamError) -> Action {
        switch kind {
        case .streamStop:
            _ = try decode(body, streamed: true, at: lsn)
            if isPiece { pausePieces() }
            streaming = nil
            return .none
        case .relation:
            guard case .relation(let message) = try decode(body, streamed: true, at: lsn) else {
                preconditionFailure("a message of kind R is a relation")
            }
            descriptions += 1
            streamed[xid]?.described[message.relation.id] = descriptions
            guard isPiece else { return .spool(xid) }
            learnStreamed(message.relation, in: xid)
            return .none
        case .insert, .update, .delete, .truncate:
            return isPiece ? try appendPiece(kind, body: body, to: xid, at: lsn) : .spool(xid)
        case .origin:
            guard case .origin(let origin) = try decode(body, streamed: true, at: lsn) else {
                preconditionFailure("a message of kind O is an origin")
            }
            streamed[xid]?.origin = origin.name
            if isPiece { open?.origin = origin.name }
            return .none
        case .type:
            // Whether the transaction commits or not: an OID is never another type's.
            guard case .type(let message) = try decode(body, streamed: true, at: lsn) else {
                preconditionFailure("a message of kind Y is a type")
            }
            types[message.type.oid] = message.type
            return .none
        case .message:
            guard keepsMessages else { return .none }
            streamed[xid]?.hasMessages = true
            return .spool(xid)
        case .begin, .commit, .streamStart, .streamCommit, .streamAbort, .beginPrepare, .prepare,
            .commitPrepared, .rollbackPrepared, .streamPrepare:
            throw StreamError(.outOfOrder(kind), at: lsn)
        }
    }

    mutating func streamAborted(_ xid: TransactionID, subxid: TransactionID) -> Action {
        guard xid == subxid else {
            rollBackPieces(of: xid, to: subxid)
            if streamed[xid]?.isSpooled == true { streamed[xid]?.aborted.insert(subxid) }
            return .none
        }
        abandonPieces(of: xid)
        streamed[xid] = nil
        return .discard(xid)
    }

    mutating func streamCommitted(
        _ commit: StreamCommitMessage, of kind: MessageKind, at lsn: LSN
    ) throws(StreamError) -> Action {
        guard let pieces = streamed[commit.xid]?.pieces else {
            turn(to: nil)
            return try beginReplay(commit, of: kind, at: lsn)
        }
        // A server that breaks this has sent the transaction twice.
        guard open == nil, commit.commitLSN >= settledFrom else {
            throw StreamError(.outOfOrder(kind), at: lsn)
        }
        turn(to: commit.xid)
        forgetTargets()
        let action = try beginReplay(commit, of: kind, at: lsn)
        open?.beganEarlier = pieces.hasBegun
        open?.indexInBatch = batch.transactions.isEmpty ? nil : 0
        return pieces.spoolsRest ? action : try finishReplay()
    }

    mutating func beginReplay(
        _ commit: StreamCommitMessage, of kind: MessageKind, at lsn: LSN
    ) throws(StreamError) -> Action {
        guard let transaction = streamed[commit.xid] else {
            throw StreamError(.unknownStreamedTransaction(commit.xid), at: lsn)
        }
        guard !transaction.hasMessages || transaction.aborted.isEmpty else {
            throw StreamError(.messagesOfUnknownPart(commit.xid), at: lsn)
        }
        try open(
            OpenTransaction(
                xid: commit.xid, commitLSN: commit.commitLSN, commitTime: commit.commitTime,
                origin: transaction.origin, endLSN: commit.endLSN,
                isUnwanted: skipsTransactionsWithOrigin && transaction.origin != nil),
            of: kind, at: lsn)
        replaying = commit.xid
        return .replay(commit.xid)
    }

    /// Takes one spooled message of the transaction that ``Action/replay(_:)`` named.
    public mutating func replay(_ body: RawSpan, at lsn: LSN) throws(StreamError) {
        guard let xid = replaying else { preconditionFailure("no replay is under way") }
        let kind = try kind(of: body, at: lsn)
        let isAborted = try streamed[xid]?.aborted.contains(subxid(of: body, at: lsn)) ?? false
        if kind.isRow {
            if !isAborted { try appendRow(body, streamed: true, at: lsn) }
            return
        }
        let message = try decode(body, streamed: true, at: lsn)
        // What a rolled-back subtransaction told of a relation still describes the rows that
        // come after it: the server does not repeat itself within a transaction.
        if case .relation(let relation) = message { learnStreamed(relation.relation, in: xid) }
        if case .truncate(let truncate) = message, !isAborted {
            try appendTruncate(truncate, at: lsn)
        }
        if case .message(let message) = message {
            guard message.isTransactional else { throw StreamError(.outOfOrder(kind), at: lsn) }
            try appendMessage(message, at: lsn)
        }
    }

    /// The last spooled message was given. Its relations become everybody's now, unless a
    /// newer description came meanwhile: the server does not repeat them.
    public mutating func finishReplay() throws(StreamError) -> Action {
        guard let xid = replaying, let transaction = open, let end = transaction.endLSN else {
            preconditionFailure("no replay is under way")
        }
        let action = try finish(end: end, .streamCommit, at: transaction.commitLSN)
        if owner == xid { closePieces() }
        replaying = nil
        forgetIndexes()
        if let ended = streamed.removeValue(forKey: xid) {
            for (id, relation) in ended.relations {
                learn(relation, described: ended.described[id] ?? 0)
            }
            for (id, name) in ended.unfollowed where unfollowed[id] == nil {
                unfollowed[id] = (name, false)
            }
        }
        return action
    }
}
