internal import LeatCore
internal import PGClient

/// What a session needs that writes to the target.
enum ApplySession {
    /// Role `replica`: foreign keys are not checked and ordinary triggers do not fire, as in
    /// PostgreSQL's own apply workers.
    static func configure(_ session: Session) throws {
        do {
            try session.execute("set session_replication_role = replica")
        } catch {
            guard error.sqlState == "42501" else { throw error }
            let role = try session.query("select current_user").scalar ?? "..."
            throw Halt(
                .preflight, "The target role may not set session_replication_role: \(error).",
                advice: """
                    On the target, as a superuser (15 and newer): grant set on parameter \
                    session_replication_role to \(SQLText.identifier(role));
                    """)
        }
        // The backend of a Leat that is gone must go too, for it holds locks: while it waits for
        // a command (keepalives), for the network, or for a lock. The last one is not on every
        // platform.
        try session.execute(
            """
            set tcp_keepalives_idle = 15; set tcp_keepalives_interval = 10;
            set tcp_keepalives_count = 3; set tcp_user_timeout = '60s'
            """)
        _ = try? session.execute("set client_connection_check_interval = '2s'")
    }

    /// Removes the stream's origin, where there is one and the role may.
    static func dropOrigin(_ session: Session, name: String) throws {
        try session.query(
            """
            select pg_catalog.pg_replication_origin_drop(roname)
            from pg_catalog.pg_replication_origin
            where roname = $1 and pg_catalog.has_function_privilege(
              'pg_catalog.pg_replication_origin_drop(text)', 'execute')
            """, [name])
    }

    /// Marks the session's transactions with a replication origin, where the role may: only for
    /// streams that leave this target again.
    static func setUpOrigin(_ session: Session, name: String) throws -> Bool {
        let mayUse = try session.query(
            """
            select pg_catalog.bool_and(pg_catalog.has_function_privilege(p.oid, 'execute'))
            from pg_catalog.pg_proc p
            where p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace and p.proname in
              ('pg_replication_origin_create', 'pg_replication_origin_oid',
               'pg_replication_origin_session_setup', 'pg_replication_origin_xact_setup')
            """
        ).scalar
        guard mayUse == "t" else { return false }
        let origin = try session.query("select pg_catalog.pg_replication_origin_oid($1)", [name])
        if origin.scalar == nil {
            // Another session of ours may be as quick: then it is there.
            do {
                try session.query("select pg_catalog.pg_replication_origin_create($1)", [name])
            } catch {
                guard error.sqlState == "23505" else { throw error }
            }
        }
        try session.query("select pg_catalog.pg_replication_origin_session_setup($1)", [name])
        return true
    }
}
