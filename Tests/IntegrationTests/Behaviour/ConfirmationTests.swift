import LeatTestSupport
import Testing

/// What waits at the source for Leat's word gets it soon, and not by the clock.
@Suite("Confirmation", .serialized)
struct ConfirmationTests {
    private static let tables = "create table t (id int primary key); create table other (id int)"

    /// By the clock each would take 20 s, a third of `wal_sender_timeout`.
    @Test(
        "a transaction that is not published is confirmed at once",
        arguments: [PostgresVersion.v15, .v18])
    func unpublished(_ version: PostgresVersion) async throws {
        let stream = try await StreamFixture(version, tables: Self.tables)
        try stream.start("--tables", "public.t", "--status-interval", "10min")
        try await stream.waitUntilStreaming()
        let began = ContinuousClock.now

        try await stream.watchingPositions {
            for id in 1...10 {
                try await stream.source.sql(
                    "insert into other values (\(id))", database: stream.database)
                let end = try await stream.source.scalar("select pg_current_wal_flush_lsn()")
                try await stream.waitUntilConfirmed(end ?? "")
            }
        }

        #expect(ContinuousClock.now - began < .seconds(60), "\(stream.logEnd)")
    }

    @Test("commits of a source whose synchronous standby Leat is wait for no clock")
    func synchronousStandby() async throws {
        try await StreamFixture.withOwnServers(tables: Self.tables) { stream in
            try stream.start("--tables", "public.t", "--status-interval", "10min")
            try await stream.waitUntilStreaming()
            try await stream.source.configure([
                "synchronous_standby_names": "leat_\(stream.database)"
            ])
            try await stream.source.waitUntil(
                sql: """
                    select exists (select from pg_stat_replication where sync_state = 'sync')
                    """)
            let began = ContinuousClock.now

            for id in 1...20 {
                try await stream.source.sql(
                    "insert into other values (\(id))", database: stream.database)
                try await stream.source.sql(
                    "insert into t values (\(id))", database: stream.database)
                // What the source counts as safe is there.
                #expect(
                    try await stream.target.scalar(
                        "select count(*) from t", database: stream.database) == "\(id)")
            }

            // Each would wait for the interval, of minutes.
            #expect(ContinuousClock.now - began < .seconds(60), "\(stream.logEnd)")
            #expect(try await stream.leat?.terminate() == 0)
        }
    }
}
