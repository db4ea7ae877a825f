import Foundation
import LeatTestSupport
import Testing

@Suite("Several processes and streams")
struct ProcessTests {
    private static let schema = "create table t (id int primary key, v text)"
    private static let rows = "insert into t select i, 'v' from generate_series(1, 10) i"

    @Test("of one stream: the second says who holds it and leaves the first alone")
    func secondProcess() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let first = try pair.start()
            try await pair.waitForStream(first)
            let backend =
                try await pair.targetValue(
                    "select pid from pg_locks where locktype = 'advisory' and granted "
                        + "and database = (select oid from pg_database "
                        + "where datname = current_database())") ?? "?"
            let elsewhere = ["--state-dir", pair.stateDirectory + "-2"]

            let sameFolder = try await pair.sync()
            let otherFolder = try await pair.leat(
                ["sync"] + pair.places + elsewhere)
            let cleanup = try await pair.leat(
                ["cleanup", "--yes"] + pair.places + elsewhere)

            #expect(sameFolder.exitCode == 4)
            #expect(sameFolder.log.contains("held by process \(first.processID)"))
            for second in [otherFolder, cleanup] {
                #expect(second.exitCode == 4)
                #expect(second.log.contains("is held by another process: backend \(backend) "))
            }
            try await pair.onSource("insert into t values (11, 'after')")
            try await pair.waitUntilApplied()
            try await pair.expectEqual()
            #expect(try await first.terminate() == 0)
        }
    }

    @Test("two streams into one database, and two targets of one source, side by side")
    func sideBySide() async throws {
        let schema = "create table a (id int primary key); create table b (id int primary key);"
        let rows = "insert into a values (1); insert into b values (1)"
        try await Pair.with(schema: schema, rows: rows) { pair in
            let third = try await ClusterPool.shared.cluster(.v18, as: .target)
            try await third.createDatabase(pair.database)
            try await third.sql(schema, database: pair.database)
            let place = third.conninfo(database: pair.database)
            let folder = pair.stateDirectory
            let a = try pair.start("--tables", "a")
            let b = try pair.start(
                "--tables", "b", "--stream", "b_\(pair.stream)", "--state-dir", folder + "-b")
            let all = try pair.start(
                "--target", place, "--stream", "all_\(pair.stream)", "--state-dir", folder + "-all")
            for leat in [a, b, all] { try await pair.waitForStream(leat) }

            try await pair.onSource("insert into a values (2); delete from b; truncate a")
            try await pair.onSource("insert into a values (3); insert into b values (4)")
            let end = try await pair.sourceValue("select pg_current_wal_flush_lsn()") ?? ""
            for target in [pair.target, third] {
                try await target.waitUntil(
                    sql: "select min(end_lsn) >= '\(end)' from leat.progress",
                    database: pair.database)
            }

            try await pair.expectEqual()
            #expect(
                try await pair.source.databaseHash(pair.database)
                    == third.databaseHash(pair.database))
            for leat in [a, b, all] { #expect(try await leat.terminate() == 0) }
            try await third.sql("drop database \(pair.database) with (force)")
        }
    }

    @Test(
        "beside a busy table that is not followed, or a busy database, a slot does not hold WAL",
        arguments: [true, false])
    func idleBesideBusy(_ isSameDatabase: Bool) async throws {
        let schema = Self.schema + "; create table busy (id int, v text);"
        try await Pair.with(schema: schema, rows: Self.rows) { pair in
            let leat = try pair.start("--exclude", "busy", "--status-interval", "500ms")
            try await pair.waitForStream(leat)
            let database = isSameDatabase ? pair.database : "postgres"
            let table = isSameDatabase ? "busy" : "busy_\(pair.database)"
            let work =
                "create table if not exists \(table) (id int, v text); "
                + "insert into \(table) select i, repeat('x', 100) from generate_series(1, 1000) i"

            for _ in 0..<3 {
                try await pair.source.sql(work, database: database)
                let end = try await pair.sourceValue("select pg_current_wal_flush_lsn()") ?? ""
                try await pair.source.waitUntil(
                    sql: "select confirmed_flush_lsn >= '\(end)' from pg_replication_slots "
                        + "where slot_name = '\(pair.objectName)'")
            }
            #expect(try await leat.terminate() == 0)
            try await pair.source.sql(work, database: database)
            try await pair.onSource("update t set v = 'after'")
            try await pair.catchUp("--exclude", "busy")

            #expect(
                try await pair.source.tableHash("t", database: pair.database)
                    == pair.target.tableHash("t", database: pair.database))
            if !isSameDatabase { try await pair.source.sql("drop table \(table)") }
        }
    }
}
