internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// What a session needs that writes to the target.
enum ApplySession {
    /// - Returns: Whether the session has role `replica`: foreign keys are not checked and ordinary
    ///   triggers do not fire, as in PostgreSQL's own apply workers.
    static func configure(
        _ session: Session, as role: SyncConfiguration.Role
    ) throws -> Bool {
        let isReplica = try setRole(on: session, role: role)
        // A role or database may have it off; the applier turns it off where that is safe.
        try session.execute("set synchronous_commit = on")
        // The backend of a Leat that is gone must go too, for it holds locks: while it waits for
        // a command (keepalives), for the network, or for a lock. The last one is not on every
        // platform.
        try session.execute(
            """
            set tcp_keepalives_idle = 15; set tcp_keepalives_interval = 10;
            set tcp_keepalives_count = 3; set tcp_user_timeout = '60s'
            """)
        _ = try? session.execute("set client_connection_check_interval = '2s'")
        return isReplica
    }

    /// The setting may come from the role or the database: on servers before 15 that is the way to
    /// give it to a role that is no superuser.
    private static func setRole(
        on session: Session, role: SyncConfiguration.Role
    ) throws -> Bool {
        let now = try session.query(
            "select pg_catalog.current_setting('session_replication_role')"
        ).text()
        switch role {
        case .auto:
            return try now == "replica" || set("replica", on: session) == nil
        case .replica:
            guard now != "replica", let error = try set("replica", on: session) else { return true }
            throw try refused(error, on: session)
        case .plain, .disableTriggers:
            guard now == "replica", let error = try set("origin", on: session) else { return false }
            throw Halt(
                .preflight,
                """
                The target role has session_replication_role = replica by its own settings, and \
                may not set it to origin: \(error).
                """, advice: "Use --role replica, or auto.")
        }
    }

    /// - Returns: The refusal of a role that may not.
    private static func set(_ value: String, on session: Session) throws -> ConnectionError? {
        do {
            try session.execute("set session_replication_role = \(value)")
            return nil
        } catch {
            guard error.sqlState == .insufficientPrivilege else { throw error }
            return error
        }
    }

    private static func refused(_ error: ConnectionError, on session: Session) throws -> Halt {
        let role = try session.role()
        return Halt(
            .preflight, "The target role may not set session_replication_role: \(error).",
            advice: "On the target, as a superuser: \(grant(to: role))")
    }

    /// The statement that gives a role the right to role `replica`.
    ///
    /// - Parameter role: Quoted.
    static func grant(to role: String) -> String {
        """
        grant set on parameter session_replication_role to \(role); (15 and newer), or \
        alter role \(role) set session_replication_role = replica;
        """
    }
}
