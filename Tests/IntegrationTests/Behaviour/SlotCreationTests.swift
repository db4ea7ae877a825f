import Foundation
import LeatTestSupport
import Testing

@Suite("The creation of a slot")
struct SlotCreationTests {
    /// A transaction that lasts until its gate is opened.
    private struct Gated {
        let name: String
        let pair: Pair
        private let task: Task<Void, any Error>

        init(_ name: String, _ pair: Pair, doing sql: String = "null") {
            (self.name, self.pair) = (name, pair)
            task = Task {
                try await pair.onSource(
                    """
                    do $$ begin
                      perform pg_current_xact_id();
                      \(sql);
                      set local application_name = 'gated_\(name)';
                      while not exists (select from gate.opened where name = '\(name)') loop
                        perform pg_sleep(0.02);
                      end loop;
                    end $$
                    """)
            }
        }

        var processID: String { "(select pid from pg_stat_activity where \(isThis))" }
        private var isThis: String {
            "application_name = 'gated_\(name)' and datname = '\(pair.database)'"
        }

        func waitUntilOpen() async throws {
            try await pair.source.waitUntil(
                sql: "select exists (select from pg_stat_activity where \(isThis))")
        }

        func waitUntilBlocking() async throws {
            try await pair.source.waitUntil(
                sql: "select exists (select from pg_stat_activity "
                    + "where \(processID) = any (pg_blocking_pids(pid)))")
        }

        func end() async throws {
            try await pair.onSource("insert into gate.opened values ('\(name)')")
            try await task.value
        }
    }

    private static let gate = """
        create schema gate;
        create table gate.opened (name text);
        """

    @Test(
        "is told whom it waits for, and a table rewritten meanwhile is copied whole",
        arguments: PostgresVersion.allCases)
    func rewrittenMeanwhile(_ version: PostgresVersion) async throws {
        let schema = """
            create table t (id int primary key, v int);
            create table u (id int primary key);
            """
        let rows = """
            insert into t select i, i from generate_series(1, 1000) i;
            insert into u values (1);
            """
        // On a source of its own: a slot waits for every transaction of its server.
        let source = try await TemporaryCluster.started(version)
        let target = try await ClusterPool.shared.cluster(version, as: .target)
        try await Pair.with(source, target, schema: schema, rows: rows) { pair in
            try await pair.onSource(Self.gate)
            try await pair.onTarget("alter table t alter v type bigint")
            // The slot waits for the first, then for those that began meanwhile, which is the
            // second; the third is open when its snapshot is taken.
            let first = Gated("first", pair)
            try await first.waitUntilOpen()
            let pid = try await pair.sourceValue("select \(first.processID)") ?? "?"
            let leat = try pair.start("--tables", "t,u")
            try await first.waitUntilBlocking()
            try await leat.waitForOutput(containing: "waits for a running transaction: pid \(pid) ")
            try await leat.waitForOutput(containing: "active, for ")
            let second = Gated("second", pair)
            try await second.waitUntilOpen()
            try await first.end()
            try await second.waitUntilBlocking()
            let third = Gated("third", pair, doing: "alter table t alter v type bigint")
            try await third.waitUntilOpen()
            try await second.end()
            try await third.waitUntilBlocking()

            try await third.end()

            try await pair.waitForStream(leat)
            #expect(leat.log.contains("were altered before their rows were read"))
            try await pair.onSource("insert into t values (0, 5000000000)")
            try await pair.waitUntilApplied()
            let table = try await pair.target.tableHash("t", database: pair.database)
            #expect(table.rows == 1001)
            #expect(
                try await pair.source.tableHash("t", database: pair.database) == table)
        }
        try await source.remove()
    }

    /// It has no process that could be shown.
    @Test("is told of a prepared transaction that it waits for")
    func prepared() async throws {
        let schema = "create table t (id int primary key);"
        try await Pair.with(schema: schema) { pair in
            let name = "left_\(pair.database)"
            try await pair.onSource(
                "begin; insert into t values (1); prepare transaction '\(name)'")
            let leat = try pair.start()

            try await leat.waitForOutput(
                containing: "waits for a running transaction: prepared transaction \(name) (")
            try await pair.onSource("commit prepared '\(name)'")

            try await pair.waitForStream(leat)
            try await pair.expectEqual()
        }
    }

    @Test(
        "that was killed while it waited is begun anew, and leaves no slot behind meanwhile",
        arguments: PostgresVersion.allCases)
    func killed(_ version: PostgresVersion) async throws {
        let schema = "create table t (id int primary key);"
        let source = try await TemporaryCluster.started(version)
        let target = try await ClusterPool.shared.cluster(version, as: .target)
        try await Pair.with(source, target, schema: schema) { pair in
            try await pair.onSource(Self.gate)
            let open = Gated("open", pair, doing: "insert into t values (1)")
            try await open.waitUntilOpen()
            let killed = try pair.start("--tables", "t")
            try await killed.waitForOutput(containing: "waits for a running transaction")

            try await killed.kill()
            let leat = try pair.start("--tables", "t")

            // Not the killed one's any more, though the transaction is still open.
            try await leat.waitForOutput(containing: "waits for a running transaction")
            #expect(try await pair.sourceValue("select count(*) from pg_replication_slots") == "1")
            try await open.end()
            try await pair.waitForStream(leat)
            try await pair.onSource("insert into t values (2)")
            try await pair.waitUntilApplied()
            try await pair.onSource("drop schema gate cascade")
            try await pair.expectEqual()
        }
        try await source.remove()
    }

    @Test("that is begun anew waits for the walsender that still holds the slot")
    func heldByKilled() async throws {
        try await Pair.with(schema: "create table t (id int primary key);") { pair in
            let killed = try await pair.leat(
                ["sync"] + pair.places, environment: ["LEAT_FAILPOINT": "slot-created"])
            #expect(killed.exitCode == 137, "\(killed.log)")
            let reader = try ChildProcess(
                pair.source.installation.program("pg_recvlogical"),
                arguments: [
                    "--start", "--slot", pair.objectName, "-f", "/dev/null",
                    "-o", "proto_version=1", "-o", "publication_names=\(pair.objectName)",
                    "-d", pair.source.conninfo(database: pair.database),
                ])
            defer { reader.signal(SIGKILL) }
            let holder =
                "select active from pg_replication_slots where slot_name = '\(pair.objectName)'"
            try await pair.source.waitUntil(sql: holder)

            let leat = try pair.start()
            try await leat.waitForOutput(
                containing: "waiting: Slot \(pair.objectName) is in use by")
            reader.signal(SIGKILL)

            try await pair.waitForStream(leat)
            try await pair.onSource("insert into t values (1)")
            try await pair.waitUntilApplied()
            try await pair.expectEqual()
        }
    }
}
