public import PGWire

extension TransactionAssembler {
    mutating func streamStarted(
        _ start: StreamStartMessage, at lsn: LSN
    ) throws(StreamError) -> Action {
        try grammar.check(start, isKnown: streamed[start.xid] != nil, at: lsn)
        heard = max(heard, lsn)
        if start.isFirstSegment {
            let leavesInPieces = mayLeaveInPieces
            streamed[start.xid] = StreamedTransaction(
                pieces: leavesInPieces ? StreamedPieces() : nil)
        }
        blockBegan(of: start.xid)
        return start.isFirstSegment ? .discard(start.xid) : .none
    }

    /// - Parameter kind: Of those that may come in a block.
    mutating func receiveStreamed(
        _ kind: MessageKind, body: RawSpan, of xid: TransactionID, at lsn: LSN
    ) throws(StreamError) -> Action {
        switch kind {
        case .streamStop:
            _ = try decode(body, streamed: true, at: lsn)
            if phase.isPiece { forgetTargets() }
            phase.blockEnded()
            return .none
        case .relation:
            guard case .relation(let message) = try decode(body, streamed: true, at: lsn) else {
                preconditionFailure("a message of kind R is a relation")
            }
            descriptions += 1
            streamed[xid]?.described[message.relation.id] = descriptions
            guard phase.isPiece else { return .spool(xid) }
            learnStreamed(message.relation, in: xid)
            return .none
        case .insert, .update, .delete, .truncate:
            return phase.isPiece ? try appendPiece(kind, body: body, to: xid, at: lsn) : .spool(xid)
        case .origin:
            guard case .origin(let origin) = try decode(body, streamed: true, at: lsn) else {
                preconditionFailure("a message of kind O is an origin")
            }
            streamed[xid]?.origin = origin.name
            if phase.isPiece { phase.cameFrom(origin.name) }
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
            try grammar.checkMessage(
                isTransactional: isTransactional(body, at: lsn), in: .block, at: lsn)
            streamed[xid]?.hasMessages = true
            return .spool(xid)
        case .begin, .commit, .streamStart, .streamCommit, .streamAbort, .beginPrepare, .prepare,
            .commitPrepared, .rollbackPrepared, .streamPrepare:
            preconditionFailure("the grammar has refused it")
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
        _ commit: StreamCommitMessage, at lsn: LSN
    ) throws(StreamError) -> Action {
        let ended = streamed[commit.xid]
        try grammar.ended(commit, isKnown: ended != nil, at: lsn)
        guard let pieces = ended?.pieces else {
            turn(to: nil)
            return try beginReplay(commit, at: lsn)
        }
        // A server that breaks this has sent the transaction twice.
        guard commit.commitLSN >= settledFrom else {
            throw StreamError(.outOfOrder(.streamCommit), at: lsn)
        }
        turn(to: commit.xid)
        forgetTargets()
        let action = try beginReplay(commit, at: lsn)
        let index = batch.transactions.isEmpty ? nil : 0
        phase.changeOpen { open in
            open.beganEarlier = pieces.hasBegun
            open.indexInBatch = index
        }
        return pieces.spoolsRest ? action : try finishReplay()
    }

    private mutating func beginReplay(
        _ commit: StreamCommitMessage, at lsn: LSN
    ) throws(StreamError) -> Action {
        guard let transaction = streamed[commit.xid] else {
            preconditionFailure("the grammar has refused the end of nothing")
        }
        guard !transaction.hasMessages || transaction.aborted.isEmpty else {
            throw StreamError(.messagesOfUnknownPart(commit.xid), at: lsn)
        }
        try open(
            OpenTransaction(
                xid: commit.xid, commitLSN: commit.commitLSN, commitTime: commit.commitTime,
                isUnwanted: skipsTransactionsWithOrigin && transaction.origin != nil),
            from: transaction.origin, end: commit.endLSN)
        return .replay(commit.xid)
    }

    /// Takes one spooled message of the transaction that ``Action/replay(_:)`` named.
    public mutating func replay(_ body: RawSpan, at lsn: LSN) throws(StreamError) {
        guard let xid = phase.replayed else {
            preconditionFailure("no replay is under way")
        }
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
            try grammar.checkMessage(
                isTransactional: message.isTransactional, in: .block, at: lsn)
            try appendMessage(message, at: lsn)
        }
    }

    /// The last spooled message was given. Its relations become everybody's now, unless a
    /// newer description came meanwhile: the server does not repeat them.
    public mutating func finishReplay() throws(StreamError) -> Action {
        let (transaction, end) = phase.replayEnded()
        let xid = transaction.xid
        let action = finish(transaction, end: end)
        if owner == xid { closePieces() }
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
