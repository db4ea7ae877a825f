internal import LeatCore
internal import PGClient
internal import PGWire

/// The replication origin that marks a session's transactions as not made on this database, for
/// streams that leave it again. It is a mark and nothing more: the position is elsewhere.
struct OriginMark {
    /// Whether transactions are marked, and why not.
    enum State: Sendable, Equatable {
        case set
        case notPermitted
        /// Each origin in use takes one of `max_replication_slots`
        /// (18: `max_active_replication_origins`).
        case noneFree
    }

    /// A session of a stream beside the one that holds its lock. Its origin goes with it.
    enum Part {
        /// A worker of the copy.
        case worker(Int)
        /// One that applies a transaction while it is in progress on the source.
        case side(Int)

        var suffix: String {
            switch self {
            case .worker(let number): "_copy\(number)"
            case .side(let number): "_side\(number)"
            }
        }
    }

    let session: Session
    let stream: StreamName
    /// Each has its own: an origin is for one session at a time.
    var part: Part?

    /// Origins belong to the whole cluster: streams of one name into two of its databases need
    /// two.
    private func name() throws -> String {
        let database = try session.query(
            """
            select oid from pg_catalog.pg_database
            where datname = pg_catalog.current_database()
            """
        ).onlyRecord().id("oid")
        return "\(stream.objectName)_\(database)" + (part?.suffix ?? "")
    }

    private static let functionsToEnd =
        ", 'pg_replication_origin_session_reset', 'pg_replication_origin_drop'"

    func setUp() throws -> State {
        let mayUse = try session.query(
            """
            select pg_catalog.bool_and(pg_catalog.has_function_privilege(p.oid, 'execute'))
            from pg_catalog.pg_proc p
            where p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace and p.proname in
              ('pg_replication_origin_create', 'pg_replication_origin_oid',
               'pg_replication_origin_session_setup', 'pg_replication_origin_xact_setup'
               \(part == nil ? "" : OriginMark.functionsToEnd))
            """
        ).bool()
        guard mayUse else { return .notPermitted }
        if let state = try setUpIfFree() { return state }
        // Databases that were dropped with their streams have left theirs.
        try dropVanished()
        return try setUpIfFree() ?? .noneFree
    }

    /// Nil if no more of them are free, or there are none at all.
    private func setUpIfFree() throws -> State? {
        do {
            return try setUp(name())
        } catch let error as ConnectionError
            where [.configurationLimitExceeded, .objectNotInPrerequisiteState].contains(
                error.sqlState)
        {
            return nil
        }
    }

    /// - Throws: ``Halt`` unless transactions are marked: a stream that leads back from this target
    ///   would take them for its own, and send them round and round.
    static func require(_ state: State) throws(Halt) {
        switch state {
        case .set: return
        case .notPermitted:
            throw Halt(
                .preflight,
                "--origin none needs a replication origin on the target, and the role may use none.",
                advice: """
                    grant execute on function pg_replication_origin_create(text), \
                    pg_replication_origin_oid(text), pg_replication_origin_session_setup, \
                    pg_replication_origin_session_reset(), pg_replication_origin_drop(text), \
                    pg_replication_origin_xact_setup(pg_lsn, timestamptz) to the role.
                    """)
        case .noneFree:
            throw Halt(
                .preflight,
                "--origin none needs a replication origin on the target, and none is free.",
                advice: """
                    Drop those that nobody uses (select * from pg_replication_origin), or raise \
                    max_replication_slots (18: max_active_replication_origins).
                    """)
        }
    }

    private func setUp(_ name: String) throws -> State {
        let origin = try session.query(
            "select pg_catalog.pg_replication_origin_oid($1)", with: [name])
        if try origin.optionalText() == nil {
            try session.query("select pg_catalog.pg_replication_origin_create($1)", with: [name])
        }
        try session.query("select pg_catalog.pg_replication_origin_session_setup($1)", with: [name])
        return .set
    }

    /// Ends the mark on this session and removes the origin.
    func end() throws {
        try session.query("select pg_catalog.pg_replication_origin_session_reset()")
        try drop()
    }

    /// Removes the origin, and those that crashes of its other sessions left, where there are any
    /// and the role may.
    ///
    /// A call in the statement that asks for the right to it would be refused, whether it is
    /// reached or not.
    func drop() throws {
        guard try mayDrop() else { return }
        try dropVanished()
        try session.query(
            """
            select pg_catalog.pg_replication_origin_drop(roname)
            from pg_catalog.pg_replication_origin
            where roname operator(pg_catalog.~) ('^' || $1 || '(_(copy|side)[0-9]+)?$')
            """, with: [try name()])
    }

    private func mayDrop() throws -> Bool {
        try session.query(
            """
            select pg_catalog.has_function_privilege(
              'pg_catalog.pg_replication_origin_drop(text)', 'execute')
            """
        ).bool()
    }

    /// Removes the origins of streams whose database is gone: their names hold its OID.
    private func dropVanished() throws {
        guard try mayDrop() else { return }
        let names = try session.query(
            """
            select o.roname from pg_catalog.pg_replication_origin o,
              pg_catalog.substring(o.roname, '^leat_.*_([0-9]{1,10})(?:_(?:copy|side)[0-9]+)?$') d
            where d is not null and not exists (
              select from pg_catalog.pg_database b where b.oid::pg_catalog.int8 = d::pg_catalog.int8)
            """
        ).texts()
        for name in names {
            do {
                try session.query("select pg_catalog.pg_replication_origin_drop($1)", with: [name])
            } catch {
                // Else somebody was faster.
                guard error.code == .server else { throw error }
            }
        }
    }
}
