internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

// How the position in `leat.progress` moves: with every target transaction, and alone.

extension Applier {
    func sendPosition(_ last: Transaction, with writer: inout BatchWriter) throws {
        guard let position else { preconditionFailure("the applier has not started") }
        try writer.sendPosition(
            preparedPosition(&writer),
            with: [
                "\(last.endLSN)", "\(last.commitTime.rawValue)", position.ctid, "\(position.end)",
                stream.text, LastTransaction(last).text,
            ])
    }

    private func preparedPosition(_ writer: inout BatchWriter) throws -> String {
        let isGuarded = writer.commitsAtOnce
        if let name = positionStatements[isGuarded] { return name }
        let name = try writer.prepare(
            ProgressStore.compareAndSet(marksOrigin: marksOrigin, isGuarded: isGuarded))
        positionStatements[isGuarded] = name
        return name
    }

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
        isTransactionOpen = false
        position = Position(end: last.endLSN, ctid: place)
    }

    private func commit(on session: Session, end: LSN, at place: String) throws {
        let isAside = side != nil
        if isAside { FailPoint.piecesCommitting.reached() }
        try session.execute(
            "commit",
            sent: { (isAside ? FailPoint.piecesCommitSent : .commitSent).reached() })
        isTransactionOpen = false
        position = Position(end: end, ctid: place)
    }

    /// The row is not where we left it, or says something else.
    private func positionLost() throws -> any Error {
        try abandon()
        guard let position else { preconditionFailure("the applier has not started") }
        let stored = try open().query(
            "select end_lsn from leat.progress where stream = $1", with: [stream.text]
        ).firstRecord?.lsn("end_lsn")
        guard stored == position.end else {
            return Halt(
                .target,
                """
                Another process applies stream \(stream): its position is \(stored.map { "\($0)" } ?? "gone"), \
                not \(position.end) as we left it. Nothing was applied.
                """,
                advice: "Run one process for a stream, without a pooler between it and the target.")
        }
        return Restart(reason: "the row of leat.progress was moved")
    }

    /// How far commits have reached the target's disk by themselves. Nil if this session cannot say
    /// now, or if more than the disk counts: synchronous standbys.
    func durable() async throws -> LSN? {
        try await cancellable {
            guard maySeeFlushes, !isTransactionOpen, !isPositionLent, let position else {
                return nil
            }
            let row = try open().query(Applier.flushes).onlyRecord()
            guard try row.bool("is_alone") else { return nil }
            flushWatch.look(
                position: position.end, inserted: try row.lsn("inserted"),
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
            guard !isTransactionOpen, !isPositionLent else { return nil }
            if staging.areOld { try forgetStatements() }
            guard let position else { preconditionFailure("the applier has not started") }
            let end = max(wanted, position.end)
            let session = try open()
            try session.execute("begin; set local synchronous_commit = on")
            isTransactionOpen = true
            let place = try session.query(
                ProgressStore.compareAndSet,
                with: ["\(end)", "", position.ctid, "\(position.end)", stream.text, ""]
            ).firstRecord?.text("ctid")
            guard let place else { throw try positionLost() }
            try commit(on: session, end: end, at: place)
            return end
        }
    }
}

/// The names under which this session has prepared the statement that moves the position.
struct PositionStatements {
    private var counted: String?
    private var guarded: String?

    /// By whether the server is to fail by itself if the position is not where we left it.
    subscript(isGuarded: Bool) -> String? {
        get { isGuarded ? guarded : counted }
        set { if isGuarded { guarded = newValue } else { counted = newValue } }
    }
}
