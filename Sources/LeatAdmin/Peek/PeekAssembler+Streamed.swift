internal import LeatCore
internal import PGWire

/// Transactions that come in blocks while they are in progress.
extension PeekAssembler {
    mutating func blockStarted(
        _ start: StreamStartMessage, at lsn: LSN
    ) throws(StreamError) -> Event {
        guard open == nil, block == nil else {
            throw StreamError(.outOfOrder(.streamStart), at: lsn)
        }
        lastKnown = nil
        if start.isFirstSegment {
            guard start.xid.rawValue != 0 else {
                throw StreamError(.noTransactionID(.streamStart), at: lsn)
            }
            guard streamed[start.xid] == nil else {
                throw StreamError(.repeatedFirstBlock(start.xid), at: lsn)
            }
            block = (start.xid, Streamed())
        } else if let begun = streamed.removeValue(forKey: start.xid) {
            block = (start.xid, begun)
        } else {
            throw StreamError(.unknownStreamedTransaction(start.xid), at: lsn)
        }
        return .none
    }

    mutating func blockStopped(at lsn: LSN) throws(StreamError) -> Event {
        guard let block else { throw StreamError(.outOfOrder(.streamStop), at: lsn) }
        streamed[block.xid] = block.transaction
        self.block = nil
        lastKnown = nil
        return .none
    }

    mutating func streamCommitted(
        _ commit: StreamCommitMessage, at lsn: LSN
    ) throws(StreamError) -> Event {
        guard open == nil, block == nil else {
            throw StreamError(.outOfOrder(.streamCommit), at: lsn)
        }
        try order.check(commit.commitLSN, of: .streamCommit, at: lsn)
        guard commit.commitLSN < end else { return .passedEnd }
        guard var ended = streamed.removeValue(forKey: commit.xid) else {
            throw StreamError(.unknownStreamedTransaction(commit.xid), at: lsn)
        }
        try order.ended(commit.commitLSN, end: commit.endLSN, at: lsn)
        // The server does not describe them again, unless they changed meanwhile.
        for (id, fresh) in ended.known where fresh.described > known[id]?.described ?? 0 {
            known[id] = fresh
        }
        lastKnown = nil
        return .committed(
            PeekedTransaction(
                xid: commit.xid, commitLSN: commit.commitLSN, endLSN: commit.endLSN,
                commitTime: commit.commitTime, origin: ended.origin, isStreamed: true,
                changes: list(&ended.changes)))
    }

    mutating func streamAborted(
        _ abort: StreamAbortMessage, at lsn: LSN
    ) throws(StreamError) -> Event {
        guard open == nil, block == nil else {
            throw StreamError(.outOfOrder(.streamAbort), at: lsn)
        }
        guard abort.xid == abort.subxid else {
            streamed[abort.xid]?.changes.abort(abort.subxid)
            return .none
        }
        guard var ended = streamed.removeValue(forKey: abort.xid) else { return .none }
        return .rolledBack(
            UncommittedTransaction(xid: abort.xid, changes: list(&ended.changes)))
    }

    func list(_ changes: inout StreamedChanges) -> [PeekedChanges] {
        var whole = WholeChanges()
        for (subject, operation, tally) in changes.tallies() {
            whole.add(subject, operation: operation, tally: tally, of: subjects)
        }
        return whole.take()
    }
}
