import LeatTestSupport
import Testing

/// The target counts a commit as safe only when a standby has it.
@Suite("A target with a synchronous standby", .serialized)
struct SynchronousStandbyTests {
    /// A standby is left behind with everything that the target's own disk has.
    @Test("confirms to the source only what the standby has")
    func confirmsWithStandby() async throws {
        try await StreamFixture.withOwnServers(tables: StreamFixture.loadTables) { stream in
            try await stream.withSynchronousStandby { standby in
                try stream.start()
                try await stream.waitUntilStreaming()
                try await stream.waitUntilConfirmed(commit(1, stream).after)

                standby.suspend()
                let (before, after) = try await commit(2, stream)
                try await stream.waitForTarget("select exists (select from keyed where id = 2)")
                try await waitUntilOnDisk(stream)
                try await stream.waitForReports()
                #expect(try await stream.isConfirmed(beyond: before) == false)
                // Because its own commit waits, and nothing else holds it up.
                try await stream.target.waitUntil(
                    sql: """
                        select exists (select from pg_stat_activity
                          where application_name = 'leat_\(stream.database)'
                            and wait_event = 'SyncRep')
                        """, timeout: .seconds(60))
                #expect(try await stream.isConfirmed(beyond: before) == false)

                standby.resume()
                try await stream.waitUntilConfirmed(after)
                try await standby.waitUntil(
                    sql: "select exists (select from keyed where id = 2)",
                    database: stream.database)
            }
            // Without it the target's own disk is enough.
            try await stream.waitUntilConfirmed(commit(3, stream).after)
            try await stream.expectEqual()
        }
    }

    /// - Returns: Places in the source's WAL that are not beyond the beginning of the commit's
    ///   transaction, and not before its end.
    private func commit(
        _ id: Int, _ stream: StreamFixture
    ) async throws -> (before: String, after: String) {
        let before = try await stream.source.scalar("select pg_current_wal_insert_lsn()") ?? ""
        try await stream.source.sql(
            "insert into keyed values (\(id), 0, 'n')", database: stream.database)
        let after = try await stream.source.scalar("select pg_current_wal_flush_lsn()") ?? ""
        return (before, after)
    }

    /// Waits until the target has on its own disk what is visible there now.
    private func waitUntilOnDisk(_ stream: StreamFixture) async throws {
        let place = try await stream.target.scalar("select pg_current_wal_insert_lsn()") ?? ""
        try await stream.target.waitUntil(
            sql: "select pg_current_wal_flush_lsn() >= '\(place)'")
        #expect(
            try await stream.target.scalar(
                """
                select flush_lsn < '\(place)' from pg_stat_replication
                where application_name = '\(StreamFixture.standbyName)'
                """) == "t")
    }
}
