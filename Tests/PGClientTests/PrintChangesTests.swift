import LeatTestSupport
import Testing

/// The example of `Docs/examples`, which others begin from.
@Suite("The example that prints changes")
struct PrintChangesTests {
    @Test("prints what a slot sends, in order, and confirms it")
    func prints() async throws {
        let cluster = try await ClusterPool.shared.cluster(.v16, as: .source)
        let database = try await cluster.createDatabase()
        try await cluster.sql(
            "create table t (i int primary key, v text); create publication p for table t",
            database: database)
        let start = "select pg_create_logical_replication_slot('\(database)', 'pgoutput')"
        try await cluster.sql(start, database: database)
        try await cluster.sql(
            "insert into t values (1, 'a'), (2, null); update t set v = 'b' where i = 1;",
            database: database)
        let last = try await cluster.scalar("select pg_current_wal_insert_lsn()") ?? ""
        try await cluster.sql("delete from t where i = 2", database: database)

        let path = try LeatProcess.executable().split(separator: "/").dropLast()
        let program = try ChildProcess(
            "/\(path.joined(separator: "/"))/print-changes",
            arguments: [cluster.conninfo(database: database), database, "p"])
        let lines = ["insert t 1, a", "insert t 2, -", "update t 1, b", "delete t 2, -"]
        try await waitUntil("all is printed") { program.output.split(separator: "\n").count >= 4 }

        #expect(program.output.split(separator: "\n").map(String.init) == lines)
        try await cluster.waitUntil(
            sql: """
                select confirmed_flush_lsn > '\(last)' from pg_replication_slots
                where slot_name = '\(database)'
                """, timeout: .patience)
        program.signal(15)
        _ = try await program.wait()
        try await cluster.waitUntil(
            sql: "select not active from pg_replication_slots where slot_name = '\(database)'",
            timeout: .patience)
        try await cluster.sql("select pg_drop_replication_slot('\(database)')", database: database)
    }
}
