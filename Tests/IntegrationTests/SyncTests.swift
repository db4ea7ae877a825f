import LeatTestSupport
import Testing

@Suite("Sync")
struct SyncTests {
    @Test(
        "copies the rows that are there and follows what comes", arguments: PostgresVersion.allCases
    )
    func copiesAndFollows(_ version: PostgresVersion) async throws {
        let source = try await ClusterPool.shared.cluster(version, as: .source)
        let target = try await ClusterPool.shared.cluster(version, as: .target)
        let database = try await source.createDatabase()
        _ = try await target.createDatabase(database)
        for server in [source, target] {
            _ = try await server.sql(
                "create table t (id int primary key, v text)", database: database)
        }
        _ = try await source.sql(
            "insert into t select i, 'v' || i from generate_series(1, 1000) i", database: database)
        let leat = try LeatProcess([
            "sync", "--source", source.conninfo(database: database),
            "--target", target.conninfo(database: database), "--stream", database,
            "--state-dir", LeatProcess.folder + "/state-" + database,
        ])

        try await target.waitUntil(
            sql: "select count(*) from leat.tables where state = 'ready'", equals: "1",
            database: database)
        _ = try await source.sql(
            "update t set v = 'new' where id < 10; delete from t where id > 990",
            database: database)
        let end = try await source.scalar("select pg_current_wal_insert_lsn()", database: database)
        try await target.waitUntil(
            sql: "select end_lsn >= '\(end ?? "")' from leat.progress", database: database)

        let left = try await source.databaseHash(database)
        let right = try await target.databaseHash(database)
        #expect(left == right)
        let code = try await leat.terminate()
        #expect(code == 0)
    }
}
