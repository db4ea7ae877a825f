internal import LeatCore
internal import PGWire

/// Transactions that come in blocks while they are in progress.
extension PeekAssembler {
    mutating func blockStarted(
        _ start: StreamStartMessage, at lsn: LSN
    ) throws(StreamError) -> Event {
        try grammar.check(start, isKnown: streamed[start.xid] != nil, at: lsn)
        phase = .block(start.xid)
        part = streamed.removeValue(forKey: start.xid) ?? Streamed()
        lastKnown = nil
        return .none
    }

    mutating func blockStopped() -> Event {
        guard case .block(let xid) = phase else {
            preconditionFailure("the grammar has refused the end of nothing")
        }
        streamed[xid] = part
        part = Streamed()
        phase = .between
        lastKnown = nil
        return .none
    }

    mutating func streamCommitted(
        _ commit: StreamCommitMessage, at lsn: LSN
    ) throws(StreamError) -> Event {
        try grammar.ended(commit, isKnown: streamed[commit.xid] != nil, at: lsn)
        guard commit.commitLSN < end, var ended = streamed.removeValue(forKey: commit.xid) else {
            return .passedEnd
        }
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

    mutating func streamAborted(_ abort: StreamAbortMessage) -> Event {
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
