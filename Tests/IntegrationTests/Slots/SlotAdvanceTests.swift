import LeatTestSupport
import Testing

@Suite("leat slot advance")
struct SlotAdvanceTests {
    private static let end = "select pg_current_wal_flush_lsn()"

    @Test(
        "moves a slot to an LSN and to the end, and never back or beyond",
        arguments: PostgresVersion.allCases)
    func advances(_ version: PostgresVersion) async throws {
        try await SlotServer.with(version) { server in
            try await server.sql("create role repl login replication; create role plain login")
            try await server.cluster.run(
                script: """
                    create table t (id int primary key); create publication p for table t;
                    select pg_create_logical_replication_slot('s', 'pgoutput');
                    insert into t values (1);
                    """, database: server.database)
            let middle = try await server.value(Self.end) ?? ""
            try await server.cluster.run(
                script: "insert into t values (2); insert into t values (3);",
                database: server.database)
            let before = try await server.positions()

            let dry = try await server.slot("advance", "s", middle, "--dry-run", user: "repl")
            let asked = try await server.slot("advance", "s", middle)
            let beyond = try await server.slot("advance", "s", "FF/0")
            let unprivileged = try await server.slot(
                "advance", "s", middle, "--yes", user: "plain")
            let elsewhere = try await server.slot(
                ["advance", "s", "now", "--yes"] + server.source(database: "postgres"))
            #expect(try await server.positions() == before)
            let done = try await server.slot("advance", "s", middle, "--yes", user: "repl")

            #expect(dry.output.contains("pg_replication_slot_advance('s', '\(middle)');"))
            #expect(dry.output.contains("-- skips 1 transaction of publication p:"))
            #expect(dry.output.contains("--   public.t: 1 insert\n"))
            #expect(asked.exitCode == 64)
            #expect(beyond.exitCode == 6 && beyond.log.contains("beyond the end"))
            #expect(unprivileged.exitCode == 3, "\(unprivileged.log)")
            #expect(unprivileged.log.contains("may not use replication slots"))
            #expect(elsewhere.exitCode == 2 && elsewhere.log.contains("dbname=shop"))
            #expect(done.exitCode == 0, "\(done.log)")
            #expect(try await left(server) == 2)
            try await expectEnds(server, middle)
        }
    }

    /// What the slot's reader would still get.
    private func left(_ server: SlotServer) async throws -> Int {
        Int(
            try await server.value(
                """
                select count(*) from pg_logical_slot_peek_binary_changes('s', null, null,
                  'proto_version', '1', 'publication_names', 'p')
                where get_byte(data, 0) = ascii('I')
                """) ?? "") ?? -1
    }

    private func expectEnds(_ server: SlotServer, _ middle: String) async throws {
        let confirmed = "select confirmed_flush_lsn from pg_replication_slots"
        #expect(try await server.value(confirmed) == middle)
        let back = try await server.slot("advance", "s", "0/1000000", "--yes")
        let same = try await server.slot("advance", "s", middle)
        let cut = try await server.slot("advance", "s", "FF/0", "--yes")

        #expect(back.exitCode == 6 && back.log.contains("only moves forward"))
        #expect(same.exitCode == 0 && same.output.contains("already"))
        #expect(cut.exitCode == 0 && cut.log.contains("as far as a slot can go"))
        #expect(try await left(server) == 0)
        let isAtEnd =
            "select confirmed_flush_lsn <= pg_current_wal_flush_lsn() "
            + "and confirmed_flush_lsn > '\(middle)' from pg_replication_slots"
        #expect(try await server.value(isAtEnd) == "t")
        try await server.sql("insert into t values (4)")
        #expect(try await server.slot("advance", "s", "now", "--yes").exitCode == 0)
        #expect(try await left(server) == 0)
        #expect(try await server.slot("advance", "s", "soon").exitCode == 2)
        #expect(try await server.slot("advance", "none", "now").exitCode == 2)
    }

    @Test(
        "physical, foreign, unused, lost and active slots", arguments: PostgresVersion.allCases)
    func otherKinds(_ version: PostgresVersion) async throws {
        try await SlotServer.with(version, keep: "32MB") { server in
            try await server.sql("select pg_create_logical_replication_slot('victim', 'pgoutput')")
            try await server.writeWAL(64)
            try await server.cluster.run(
                script: """
                    checkpoint;
                    select pg_create_physical_replication_slot('phys', true);
                    select pg_create_physical_replication_slot('unused');
                    """, database: server.database)
            if server.hasForeignPlugin {
                try await server.sql(
                    "select pg_create_logical_replication_slot('f', 'test_decoding')")
            }
            try await server.writeWAL(1)
            let reader = try server.receive("active")
            try await server.waitForReader("active")
            defer { reader.signal(15) }

            let lost = try await server.slot("advance", "victim", "now", "--yes")
            let unused = try await server.slot("advance", "unused", "now", "--yes")
            let active = try await server.slot("advance", "active", "now", "--yes")
            let physical = try await server.slot("advance", "phys", "now", "--yes")

            #expect(lost.exitCode == 8 && lost.log.contains("was invalidated"))
            #expect(unused.exitCode == 3 && unused.log.contains("never used"))
            #expect(active.exitCode == 3 && active.log.contains("in use by walsender"))
            #expect(physical.exitCode == 0, "\(physical.log)")
            if server.hasForeignPlugin {
                let foreign = try await server.slot("advance", "f", "now", "--yes")
                #expect(foreign.exitCode == 0, "\(foreign.log)")
            }
        }
    }

    @Test(
        "a stream's slot goes as far as the stream has stored", arguments: PostgresVersion.allCases)
    func ofStream(_ version: PostgresVersion) async throws {
        let schema = "create table t (id int primary key)"
        try await Pair.with(.init(version, version), schema: schema) { pair in
            try await pair.catchUp()
            try await pair.onSource("insert into t values (1)")
            let name = pair.objectName
            let source = ["--source", pair.source.conninfo(database: pair.database)]
            let places = source + ["--target", pair.target.conninfo(database: pair.database)]
            let position = try await pair.targetValue("select end_lsn from leat.progress") ?? ""

            let refused = try await pair.leat(["slot", "advance", name, "now"] + places)
            let blind = try await pair.leat(["slot", "advance", name, "now"] + source)
            let dry = try await pair.leat(["slot", "advance", name, "now", "--dry-run"] + places)
            let stored = try await pair.leat(["slot", "advance", name, position, "--yes"] + places)
            #expect(refused.exitCode == 6 && refused.log.contains(position), "\(refused.log)")
            #expect(blind.exitCode == 6 && blind.log.contains("Give --target"))
            #expect(dry.output.contains("-- needs --yes"))
            #expect(stored.exitCode == 0, "\(stored.log)")
            try await pair.catchUp()
            try await pair.expectEqual()

            try await pair.onSource("insert into t values (2)")
            let forced = try await pair.leat(["slot", "advance", name, "now", "--yes"] + places)
            let list = try await pair.leat(["slot", "list", name, "--json"] + places)

            #expect(forced.exitCode == 0, "\(forced.log)")
            #expect(try ListedSlot.decode(list.output).first?.findings.first?.kind == "ahead")
            #expect(try await pair.sync("--endpos", "now").exitCode == 8)
        }
    }
}
