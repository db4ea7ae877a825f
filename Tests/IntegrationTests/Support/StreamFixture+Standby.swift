import LeatTestSupport
import Testing

extension StreamFixture {
    static let standbyName = "leat_standby"

    /// Runs `body` while commits on the target wait for a standby; they do not when it returns.
    ///
    /// For fixtures with servers of their own.
    func withSynchronousStandby(
        _ body: (TemporaryCluster) async throws -> Void
    ) async throws {
        try await target.withStandby(Self.standbyName) { standby in
            try await target.configure(["synchronous_standby_names": Self.standbyName])
            try await target.waitUntil(
                sql: """
                    select sync_state = 'sync' and state = 'streaming' from pg_stat_replication
                    where application_name = '\(Self.standbyName)'
                    """)
            try await body(standby)
            try await target.configure(["synchronous_standby_names": ""])
        }
    }
}
