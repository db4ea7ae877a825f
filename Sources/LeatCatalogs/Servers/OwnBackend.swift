package import PGClient
internal import Synchronization

/// The backend that holds the stream's lock for this process.
///
/// When the connection breaks without a word, the server may keep the old session for long, and
/// with it the lock. It is this process's own, so it may end it.
package final class OwnBackend: Sendable {
    private struct Identity {
        var pid: String
        /// A pid alone may be somebody else's by now.
        var start: String
    }

    private let last = Mutex<Identity?>(nil)

    package init() {}

    package func remember(_ session: Session) throws {
        let row = try session.query(
            """
            select pid, backend_start from pg_catalog.pg_stat_activity
            where pid = pg_catalog.pg_backend_pid()
            """
        ).firstRecord
        guard let row, let start = try row.optionalText("backend_start") else { return }
        let pid = try row.text("pid")
        last.withLock { $0 = Identity(pid: pid, start: start) }
    }

    /// - Returns: Whether there was such a backend, and it was told to end.
    package func end(_ session: Session) throws -> Bool {
        guard let identity = last.withLock({ $0 }) else { return false }
        return try session.query(
            """
            select pg_catalog.pg_terminate_backend(pid, 1000) from pg_catalog.pg_stat_activity
            where pid = $1::pg_catalog.int4 and backend_start = $2::pg_catalog.timestamptz
            """, with: [identity.pid, identity.start]
        ).rowCount > 0
    }
}
