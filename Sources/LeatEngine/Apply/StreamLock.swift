internal import LeatCore
internal import PGClient

/// The lock that one applying process holds for its stream, as long as its session lives.
struct StreamLock {
    let session: Session
    let stream: StreamName

    /// First key: the same for every stream and for nothing else, as far as a constant can.
    static let space = "1818583412"  // "leat" in ASCII
    /// First key of the shared lock that each side session of a stream holds.
    private static let sideSpace = "1818583413"
    /// A process that was killed leaves a backend that first ends what it was doing.
    private static let patience: Duration = .seconds(8)

    private var key: String { "pg_catalog.hashtext(\(SQLText.literal(stream.text)))" }

    /// - Parameter own: The backend of this process's last session, which may outlive its lost
    ///   connection: it is ended. This one takes its place.
    /// - Throws: ``Halt`` with exit code 4 that says who holds the stream.
    func take(own: OwnBackend) throws {
        let deadline = ContinuousClock.now + StreamLock.patience
        while try !tryTake() {
            if try own.end(session) { continue }
            guard ContinuousClock.now < deadline else { throw try held() }
            try session.query("select pg_catalog.pg_sleep(0.1)")
        }
        try own.remember(session)
        try endSides()
    }

    // MARK: Side sessions

    /// Says of a session that it writes for the stream, beside the one that holds the lock.
    func takeAside() throws {
        try session.query(
            "select pg_catalog.pg_advisory_lock_shared(\(StreamLock.sideSpace), \(key))")
    }

    /// Ends the side sessions of whoever held the stream before. Theirs are open transactions that
    /// nobody will commit, and rows that they have locked; one that is just committing comes to
    /// its end before the position is read.
    private func endSides() throws {
        let deadline = ContinuousClock.now + StreamLock.patience
        while true {
            let left = try session.query(
                """
                select l.pid, pg_catalog.pg_terminate_backend(l.pid, 1000)
                from pg_catalog.pg_locks l
                join pg_catalog.pg_database d on d.oid = l.database
                where l.locktype = 'advisory' and l.objsubid = 2 and l.granted
                  and l.classid = \(StreamLock.sideSpace)::pg_catalog.oid
                  and l.objid = (\(key)::pg_catalog.int8 & 4294967295)::pg_catalog.oid
                  and d.datname = pg_catalog.current_database()
                """
            ).rows
            guard let first = left.first else { return }
            guard ContinuousClock.now < deadline else {
                throw Halt(
                    .target,
                    """
                    Stream \(stream) is held by what is left of another process: backend \
                    \(first[0] ?? "?") of the target does not end.
                    """, advice: "End that backend.")
            }
        }
    }

    /// Without waiting; until the end of the session's transaction.
    func takeForTransaction() throws -> Bool {
        try session.query(
            "select pg_catalog.pg_try_advisory_xact_lock(\(StreamLock.space), \(key))"
        ).scalar == "t"
    }

    private func tryTake() throws -> Bool {
        try session.query(
            "select pg_catalog.pg_try_advisory_lock(\(StreamLock.space), \(key))"
        ).scalar == "t"
    }

    private func held() throws -> Halt {
        let row = try session.query(
            """
            select l.pid, coalesce(a.application_name, '?'),
              coalesce(a.client_addr::pg_catalog.text, 'a local socket'), a.backend_start
            from pg_catalog.pg_locks l
            left join pg_catalog.pg_stat_activity a on a.pid = l.pid
            where l.locktype = 'advisory' and l.classid = \(StreamLock.space)::pg_catalog.oid
              and l.objid = (\(key)::pg_catalog.int8 & 4294967295)::pg_catalog.oid and l.granted
              and l.database = (select d.oid from pg_catalog.pg_database d
                where d.datname = pg_catalog.current_database())
            """
        ).rows.first
        let holder =
            row.map { row in
                """
                backend \(row[0] ?? "?") of the target (\(row[1] ?? "?"), from \(row[2] ?? "?"), \
                since \(row[3] ?? "?"))
                """
            } ?? "another session"
        return Halt(
            .target, "Stream \(stream) is held by another process: \(holder).",
            advice: "Stop that process, or choose another --stream.")
    }

    /// Where the lock is to be seen: backend, key and database.
    func coordinates() throws -> [String?] {
        try session.query(
            """
            select l.pid, l.objid, l.database from pg_catalog.pg_locks l
            where l.locktype = 'advisory' and l.classid = \(StreamLock.space)::pg_catalog.oid
              and l.pid = pg_catalog.pg_backend_pid() and l.granted
            """
        ).rows.first ?? []
    }

    /// Whether a lock is also to be seen on `other`: then it is the same database.
    static func isVisible(_ coordinates: [String?], on other: Session) throws -> Bool {
        try other.query(
            """
            select exists (select from pg_catalog.pg_locks l
              join pg_catalog.pg_database d on d.oid = l.database
              where l.locktype = 'advisory' and l.classid = \(space)::pg_catalog.oid
                and l.pid = $1::pg_catalog.int4 and l.objid = $2::pg_catalog.oid
                and l.database = $3::pg_catalog.oid
                and d.datname = pg_catalog.current_database())
            """, coordinates
        ).scalar == "t"
    }
}
