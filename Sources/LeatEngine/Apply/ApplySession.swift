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
    }
}
