internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

// How the position in `leat.progress` moves: with every target transaction, and alone.

extension Applier {
    func sendPosition(_ last: Transaction, with writer: inout BatchWriter) throws {
        let (end, ctid) = held()
        let isGuarded = writer.commitsAtOnce
        let statement = try cache.position(isGuarded: isGuarded) {
            try writer.prepare(
                ProgressStore.compareAndSet(marksOrigin: marksOrigin, isGuarded: isGuarded))
        }
        try writer.sendPosition(
            statement,
            with: [
                "\(last.endLSN)", "\(last.commitTime.rawValue)", ctid, "\(end)",
                stream.text, LastTransaction(last).text,
            ])
    }

    /// What the row of the position says, and where it lies.
    private func held() -> (end: LSN, ctid: String) {
        switch position {
        case .some(let position): return (position.end, position.ctid)
        case nil: preconditionFailure("another session moves the position")
        }
    }

    /// A commit has moved the row.
    private func move(to end: LSN, ctid: String) {
        guard let before = position.take() else {
            preconditionFailure("another session moves the position")
        }
        position = before.moved(to: end, ctid: ctid)
        reached = end
        isTransactionOpen = false
    }

    // MARK: Whose it is

    /// Gives the position to another session, which goes on from there. This one moves it no more.
    func handOver() -> PositionToken? { position.take() }

    /// Goes on from where another session has moved the position to.
    func takeOver(_ moved: consuming PositionToken) {
        precondition(position == nil, "a stream has one position")
        reached = moved.end
        position = consume moved
    }

    // MARK: Committing

    /// Ends the run's target transaction, if its end is one.
    ///
    /// - Parameter place: Where the row of the position lies now.
    func commit(_ run: ApplyRun, at place: String?) throws {
        guard let last = run.end else { return }
        guard let place else { throw try positionLost() }
        do {
            try commit(on: try open(), end: last.endLSN, at: place)
        } catch let error as ConnectionError {
            // Deferred constraints are checked by COMMIT. It has an answer, so it is not unknown.
            guard error.code == .server, let server = error.server, !run.changes.isEmpty else {
                throw error
            }
            throw ApplyFailure(reason: .atCommit(server), change: run.changes.upperBound - 1)
        }
    }

    /// The server has answered COMMIT, too.
    func committed(_ run: ApplyRun, at place: String?) throws {
        guard let last = run.end, let place else {
            preconditionFailure("a guarded position that is not moved fails")
        }
        move(to: last.endLSN, ctid: place)
    }

    private func commit(on session: Session, end: LSN, at place: String) throws {
        let isAside = side != nil
        if isAside { FailPoint.piecesCommitting.reached() }
        try session.execute(
            "commit",
            sent: { (isAside ? FailPoint.piecesCommitSent : .commitSent).reached() })
        move(to: end, ctid: place)
    }

    /// The row is not where we left it, or says something else.
    private func positionLost() throws -> any Error {
        try abandon()
        let own = held().end
        let stored = try open().query(
            "select end_lsn from leat.progress where stream = $1", with: [stream.text]
        ).firstRecord?.lsn("end_lsn")
        guard ApplyLadder.elsewhere(stored: stored, own: own) == .restart else {
            return Halt(
                .target,
                """
                Another process applies stream \(stream): its position is \(stored.map { "\($0)" } ?? "gone"), \
                not \(own) as we left it. Nothing was applied.
                """,
                advice: "Run one process for a stream, without a pooler between it and the target.")
        }
        return Restart(reason: "the row of leat.progress was moved")
    }

    /// How far commits have reached the target's disk by themselves. Nil if this session cannot say
    /// now, or if more than the disk counts: synchronous standbys.
    func durable() async throws -> LSN? {
        try await cancellable {
            guard maySeeFlushes, !isTransactionOpen, let reached else { return nil }
            let row = try open().query(Applier.flushes).onlyRecord()
            guard try row.bool("is_alone") else { return nil }
            flushWatch.look(
                position: reached, inserted: try row.lsn("inserted"),
                flushed: try row.lsn("flushed"))
            return flushWatch.durable ?? .zero
        }
    }

    private static let flushes = """
        select pg_catalog.pg_current_wal_insert_lsn() as inserted,
          pg_catalog.pg_current_wal_flush_lsn() as flushed,
          pg_catalog.current_setting('synchronous_standby_names') = '' as is_alone
        """

    static let maySeeFlushes = """
        select pg_catalog.has_function_privilege(
            'pg_catalog.pg_current_wal_insert_lsn()', 'execute')
          and pg_catalog.has_function_privilege(
            'pg_catalog.pg_current_wal_flush_lsn()', 'execute')
        """

    /// Stores a position with a synchronous commit: when it returns, this and every commit
    /// before it survive a crash of the target.
    ///
    /// - Returns: What is stored: `end`, or what was applied beyond it meanwhile. Nil if a
    ///   source transaction is open on this session, or another one is moving the position; nothing
    ///   was stored then.
    func store(_ wanted: LSN) async throws -> LSN? {
        try await cancellable {
            guard !isTransactionOpen, position != nil else { return nil }
            if staging.areOld { try forgetStatements() }
            let (before, ctid) = held()
            let end = max(wanted, before)
            let session = try open()
            try session.execute("begin; set local synchronous_commit = on")
            isTransactionOpen = true
            let place = try session.query(
                ProgressStore.compareAndSet,
                with: ["\(end)", "", ctid, "\(before)", stream.text, ""]
            ).firstRecord?.text("ctid")
            guard let place else { throw try positionLost() }
            try commit(on: session, end: end, at: place)
            return end
        }
    }
}
