import LeatCore
import LeatTestSupport
import Testing

/// Statistics that were made while a COPY was open say that there are no rows, in many pages.
@Suite("A table that looks empty by its statistics")
struct MisjudgedTableTests {
    private static let rows = 100_000

    /// What a COPY that was rolled back and an ANALYZE leave, before the copy that counts.
    private static func looksEmpty(_ table: String) -> String {
        """
        alter table \(table) set (autovacuum_enabled = off);
        begin;
        insert into \(table) select i, i % 3, repeat('x', 40) from generate_series(1, 100000) i;
        rollback;
        analyze \(table);
        """
    }

    @Test("finds the rows of a batch by the index, one by one", arguments: PostgresVersion.allCases)
    func batches(on version: PostgresVersion) async throws {
        let stream = try await StreamFixture(
            version, tables: "create table t (id int primary key, tenant int, note text)")
        let database = stream.database
        try await stream.target.run(script: Self.looksEmpty("t"), database: database)
        try await stream.source.sql(
            "insert into t select i, i % 3, 'n' from generate_series(1, \(Self.rows)) i",
            database: database)
        let leat = try stream.start()
        try await stream.waitUntilCaughtUp()
        #expect(try await leat.terminate() == 0)
        let read = try await indexEntriesRead(stream)

        try await stream.source.sql(
            "update t set note = 'm' where id % 20 = 0; delete from t where id % 50 = 1",
            database: database)
        try stream.start()
        try await stream.waitUntilCaughtUp()

        try await stream.expectEqual()
        // Backends report when they end, or a second after.
        #expect(try await stream.leat?.terminate() == 0)
        let changes = Self.rows / 20 + Self.rows / 50
        #expect(try await indexEntriesRead(stream) - read < changes * 3)
    }

    private func indexEntriesRead(_ stream: StreamFixture) async throws -> Int {
        try await stream.target.waitUntil(
            sql: """
                select count(*) from pg_stat_activity
                where datname = '\(stream.database)' and application_name like 'leat%'
                """, equals: "0")
        return Int(
            try await stream.target.scalar(
                "select idx_tup_read from pg_stat_user_indexes where indexrelname = 't_pkey'",
                database: stream.database) ?? "") ?? 0
    }

    @Test("has whole rows found by a hash", arguments: PostgresVersion.allCases)
    func wholeRows(on version: PostgresVersion) async throws {
        let server = try await ClusterPool.shared.cluster(version, as: .target)
        let database = "misjudged_\(UInt32.random(in: 0...UInt32.max))"
        try await server.createDatabase(database)
        try await server.run(
            script: "create table t (id int, tenant int, note text);" + Self.looksEmpty("t"),
            database: database)
        let plan = try await server.run(
            script: """
                \(SetStatements.planSettings);
                create temporary table w as
                  select 0::int2 as operation, id as c0, tenant as c1, note as c2 from t;
                begin; \(SetStatements.scanSettings);
                explain select t.ctid from t join w on t.id = w.c0
                """, database: database)
        #expect(plan.contains("Hash Join"), "\(plan)")
    }
}
