internal import LeatCatalogs
internal import LeatCore
internal import PGClient

/// The lock that one applying process holds for its stream, as long as its session lives.
///
/// Whoever may connect may take any advisory lock. So only a backend counts whose role may write
/// Leat's tables; where another one holds the stream's lock, this takes one that nobody can know
/// before, and sees to it that no other process of the stream has done the same:
///
/// 1. Take the stream's own lock, or else one with a number that is drawn.
/// 2. Look for other backends that hold either and count. If there is one, give back what was taken.
///
/// Of two that do so at the same time each has taken its lock before it looks, so one at least
/// sees the other.
struct StreamLock {
    let session: Session
    let stream: StreamName

    /// A process that was killed leaves a backend that first ends what it was doing.
    private static let patience: Duration = .seconds(8)

    private var name: String { SQLText.literal(stream.text) }

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

    /// Without waiting; until the end of the session's transaction.
    func takeForTransaction() throws -> Bool {
        try tryTake(by: "pg_try_advisory_xact_lock", kind: .stream)
    }

    private func tryTake() throws -> Bool {
        if try tryTake(by: "pg_try_advisory_lock", kind: .stream) { return true }
        // Each session that takes it has no other advisory lock.
        try session.query("select pg_catalog.pg_advisory_unlock_all()")
        return false
    }

    private func tryTake(by function: String, kind: AdvisoryKey) throws -> Bool {
        if try !call(function, keys: kind.own(name)) {
            guard try !isHeldByOthers(kind), try call(function, keys: kind.drawn(name)) else {
                return false
            }
        }
        return try !isHeldByOthers(kind)
    }

    private func call(_ function: String, keys: String) throws -> Bool {
        try session.query("select pg_catalog.\(function)(\(keys))").bool()
    }

    private func isHeldByOthers(_ kind: AdvisoryKey) throws -> Bool {
        try session.query(
            """
            \(kind.holders(of: name, selecting: "a.pid"))
              and a.pid <> pg_catalog.pg_backend_pid()
            """
        ).rowCount > 0
    }

    private func held() throws -> Halt {
        let row = try session.query(
            """
            \(AdvisoryKey.stream.holders(
                of: name, selecting: """
                    a.pid, coalesce(a.application_name, '?') as name,
                      coalesce(a.client_addr::pg_catalog.text, 'a local socket') as address,
                      coalesce(a.backend_start::pg_catalog.text, '?') as start
                    """))
              and a.pid <> pg_catalog.pg_backend_pid()
            """
        ).firstRecord
        let holder =
            try row.map { row in
                """
                backend \(try row.text("pid")) of the target (\(try row.text("name")), from \
                \(try row.text("address")), since \(try row.text("start")))
                """
            } ?? "another session"
        return Halt(
            .target, "Stream \(stream) is held by another process: \(holder).",
            advice: "Stop that process, or choose another --stream.")
    }

    // MARK: Side sessions

    /// Says of a session that it writes for the stream, beside the one that holds the lock.
    func takeAside() throws {
        let function = "pg_try_advisory_lock_shared"
        while try !call(function, keys: AdvisoryKey.side.own(name)),
            try !call(function, keys: AdvisoryKey.side.drawn(name))
        {}
    }

    /// Ends the side sessions of whoever held the stream before. Theirs are open transactions that
    /// nobody will commit, and rows that they have locked; one that is just committing comes to
    /// its end before the position is read.
    private func endSides() throws {
        let deadline = ContinuousClock.now + StreamLock.patience
        let ending = AdvisoryKey.side.holders(
            of: name, selecting: "a.pid, pg_catalog.pg_terminate_backend(a.pid, 1000)")
        while let first = try session.query(ending).firstRecord {
            guard ContinuousClock.now < deadline else {
                throw Halt(
                    .target,
                    """
                    Stream \(stream) is held by what is left of another process: backend \
                    \(try first.int("pid")) of the target does not end.
                    """, advice: "End that backend.")
            }
        }
    }

    // MARK: Two names of one database

    /// Where the lock is to be seen: backend, keys and database.
    func coordinates() throws -> [String] {
        let row = try session.query(
            """
            select l.pid, l.classid, l.objid, l.database from pg_catalog.pg_locks l
            where l.locktype = 'advisory' and l.objsubid = 2 and l.granted
              and l.pid = pg_catalog.pg_backend_pid()
            """
        ).onlyRecord()
        return try ["pid", "classid", "objid", "database"].map { try row.text($0) }
    }

    /// Whether a lock is also to be seen on `other`: then it is the same database.
    static func isVisible(_ coordinates: [String], on other: Session) throws -> Bool {
        try other.query(
            """
            select exists (select from pg_catalog.pg_locks l
              join pg_catalog.pg_database d on d.oid = l.database
              where l.locktype = 'advisory' and l.pid = $1::pg_catalog.int4
                and l.classid = $2::pg_catalog.oid and l.objid = $3::pg_catalog.oid
                and l.database = $4::pg_catalog.oid
                and d.datname = pg_catalog.current_database())
            """, with: coordinates
        ).bool()
    }
}
