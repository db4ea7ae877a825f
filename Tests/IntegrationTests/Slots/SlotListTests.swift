import Foundation
import LeatTestSupport
import Testing

@Suite("leat slot list")
struct SlotListTests {
    /// A server with a slot of every kind, and a stream that reads one of them.
    private func withSlots(
        _ version: PostgresVersion, _ body: (SlotServer, _ target: [String]) async throws -> Void
    ) async throws {
        try await SlotServer.with(version, keep: "48MB") { server in
            try await server.sql("select pg_create_logical_replication_slot('victim', 'pgoutput')")
            try await server.writeWAL(80)
            try await server.sql("checkpoint")
            try await server.sql("select pg_create_logical_replication_slot('near', 'pgoutput')")
            try await server.writeWAL(40)
            try await server.cluster.run(
                script: """
                    create table t (id int primary key);
                    create table victim (id int primary key);
                    select pg_create_physical_replication_slot('phys', true);
                    select pg_create_physical_replication_slot('unused');
                    select pg_create_logical_replication_slot('two', 'pgoutput', false, true);
                    """, database: server.database)
            if server.hasForeignPlugin {
                try await server.sql(
                    "select pg_create_logical_replication_slot('foreign_one', 'test_decoding')")
            }
            if version == .v18 {
                try await server.sql(
                    """
                    select pg_create_logical_replication_slot('fail', 'pgoutput', failover => true)
                    """)
            }
            let temporary = try LeatProcess(
                ["slot", "create", "temp", "--temporary"] + server.source())
            try await temporary.waitForOutput(containing: "consistent point")
            try await server.cluster.createDatabase("copy")
            try await server.cluster.sql("create table t (id int primary key)", database: "copy")
            let target = ["--target", server.cluster.conninfo(database: "copy")]
            let sync = try LeatProcess(
                ["sync", "--tables", "t", "--status-interval", "200ms"] + server.source() + target
                    + [
                        "--state-dir",
                        "\(LeatProcess.folder)/state-\(UInt32.random(in: 0 ... .max))",
                    ])
            try await sync.waitForOutput(containing: "streaming position=")
            try await body(server, target)
            #expect(try await sync.terminate() == 0)
            #expect(try await temporary.terminate() == 0)
            #expect(try await !server.names().contains("temp"))
        }
    }

    @Test(
        "shows slots of every kind, the most dangerous first, and moves none",
        arguments: PostgresVersion.allCases)
    func everyKind(_ version: PostgresVersion) async throws {
        try await withSlots(version) { server, target in
            let still =
                "select restart_lsn, confirmed_flush_lsn from pg_replication_slots "
                + "where not active order by slot_name"
            let before = try await server.sql(still)

            let json = try await server.slot("list", "--json", more: target)
            let text = try await server.slot("list", more: target)
            let details = try await server.slot("list", "--details", more: target)

            #expect(try await server.sql(still) == before)
            #expect((json.exitCode, text.exitCode, details.exitCode) == (0, 0, 0), "\(json.log)")
            let slots = try ListedSlot.decode(json.output)
            #expect(slots.map(\.name).sorted() == (try await server.names()))
            #expect(slots.prefix(2).map(\.name) == ["victim", "near"])
            try expectKinds(slots, server)
            let lines = text.output.split(separator: "\n").map(String.init)
            #expect(lines[1].hasPrefix("!!  victim") && lines[1].contains("lost"))
            #expect(text.output.contains("!   near") || text.output.contains("!!  near"))
            #expect(!text.output.contains("\u{1B}"))
            for slot in slots {
                #expect(lines.contains { $0.contains(" \(slot.name) ") })
                #expect(details.output.contains(slot.name))
            }
            #expect(details.output.contains("logical, plugin pgoutput, database shop"))
            #expect(details.output.contains("leat_main, role postgres"))
        }
    }

    private func expectKinds(_ slots: [ListedSlot], _ server: SlotServer) throws {
        let all = Dictionary(uniqueKeysWithValues: slots.map { ($0.name, $0) })
        let victim = try #require(all["victim"])
        #expect(victim.level == "critical" && victim.findings.map(\.kind) == ["lost"])
        #expect(victim.wal_status == "lost" && victim.retained_bytes == nil)
        #expect(victim.invalidation_reason == "wal_removed")
        let near = try #require(all["near"])
        #expect(near.findings.first?.kind == "near_limit" && near.level != "notice")
        #expect(try #require(near.retained_share) > 0.7)
        #expect(try #require(near.safe_wal_bytes) < 48 << 20)
        #expect(try #require(near.lag_bytes) > 40 << 20)
        #expect(all["phys"]?.type == "physical" && all["phys"]?.plugin == nil)
        #expect(all["unused"]?.restart_lsn == nil && all["unused"]?.level == "notice")
        #expect(all["two"]?.is_two_phase == true)
        let temporary = try #require(all["temp"])
        #expect(temporary.is_temporary == true && temporary.is_active == true)
        #expect(temporary.holder?.application == "leat slot create")
        if server.hasForeignPlugin { #expect(all["foreign_one"]?.plugin == "test_decoding") }
        if server.version == .v18 {
            #expect(all["fail"]?.is_failover == true && all["fail"]?.is_synced == false)
            #expect(all["near"]?.inactive_since?.hasSuffix("Z") == true)
        } else {
            #expect(near.is_failover == nil && near.inactive_since == nil)
        }
        let main = try #require(all["leat_main"])
        #expect(main.level == "ok" && main.is_active == true && main.stream?.name == "main")
        #expect(main.holder?.application == "leat_main" && main.holder?.client == "127.0.0.1")
        #expect(main.holder?.since?.hasSuffix("Z") == true && main.statistics != nil)
        #expect(try #require(main.catalog_xmin_age) >= 0 && main.wal_status == "reserved")
    }

    @Test("needs no right but to connect", arguments: PostgresVersion.allCases)
    func plainRole(_ version: PostgresVersion) async throws {
        try await SlotServer.with(version) { server in
            try await server.sql("create role plain login")
            try await server.sql("select pg_create_logical_replication_slot('s', 'pgoutput')")
            let empty = try await server.slot("list", "none", user: "plain")
            let before = try await server.positions()

            let list = try await server.slot("list", "--json", user: "plain")
            let details = try await server.slot("list", "s", user: "plain")
            let lag = try await server.slot("lag", "s", "--json", user: "plain")
            let refused = try await server.slot("list", user: "nobody_here")

            #expect(try ListedSlot.decode(list.output).map(\.name) == ["s"])
            #expect((details.exitCode, lag.exitCode) == (0, 0), "\(lag.log)")
            #expect(empty.exitCode == 2 && empty.log.contains("no slot none"))
            #expect(refused.exitCode == 3 && refused.log.contains("nobody_here"))
            #expect(try await server.positions() == before)
        }
    }

    @Test("a slot is not taken for ahead of a stream that moves on meanwhile")
    func busyStream() async throws {
        try await Pair.with(schema: "create table t (id int primary key)") { pair in
            let leat = try LeatProcess(
                ["sync"] + pair.places + ["--status-interval", "10ms"])
            try await pair.waitForStream(leat)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await pair.onSource(
                        """
                        do $$ begin
                          for i in 1..2000 loop
                            insert into t values (i); commit; perform pg_sleep(0.001);
                          end loop;
                        end $$
                        """)
                }
                let source = ["--source", pair.source.conninfo(database: pair.database)]
                let target = ["--target", pair.target.conninfo(database: pair.database)]
                for _ in 1...12 {
                    let list = try await pair.leat(["slot", "list", "--json"] + source + target)
                    #expect(list.exitCode == 0 && !list.output.contains("ahead"), "\(list.output)")
                }
                try await group.waitForAll()
            }
            #expect(try await leat.terminate() == 0, "\(leat.log)")
        }
    }

    @Test("a stream whose slot is not there comes first, and no target is no error")
    func missingSlot() async throws {
        try await Pair.with(
            .init(.v16, .v18), schema: "create table t (id int primary key)"
        ) { pair in
            try await pair.catchUp()
            let name = pair.objectName
            try await pair.dropSlot()
            let source = ["--source", pair.source.conninfo(database: pair.database)]
            let target = ["--target", pair.target.conninfo(database: pair.database)]

            let list = try await pair.leat(["slot", "list", "--json"] + source + target)
            let text = try await pair.leat(["slot", "list", name] + source + target)
            let away = try await pair.leat(
                ["slot", "list"] + source + ["--target", "host=127.0.0.1 port=1 dbname=x"])

            let first = try #require(try ListedSlot.decode(list.output).first)
            #expect(first.name == name && !first.exists)
            #expect(first.findings.map(\.kind) == ["missing"])
            #expect(text.exitCode == 0 && text.output.contains("!! \(name)"))
            #expect(away.exitCode == 0 && away.log.contains("streams are not shown"))
        }
    }

    @Test("--watch shows it again and again, a line of JSON each, until a signal ends it")
    func watch() async throws {
        try await SlotServer.with(.v16) { server in
            try await server.sql("select pg_create_logical_replication_slot('s', 'pgoutput')")
            let watch = try LeatProcess(
                ["slot", "list", "--watch", "--interval", "100ms", "--json"] + server.source())
            try await watch.waitForOutput(containing: "\"s\"")
            try await server.sql("select pg_create_physical_replication_slot('later')")
            try await watch.waitForOutput(containing: "later")

            watch.signal(SIGINT)

            #expect(try await watch.waitForExit() == 0)
            let lines = watch.output.split(separator: "\n").map(String.init)
            #expect(try lines.map(ListedSlot.decode).last?.count == 2)
        }
    }
}

extension SlotServer {
    /// Whether this server has test_decoding, which only comes with contrib.
    var hasForeignPlugin: Bool {
        let folder = "\(cluster.installation.binFolder)/../lib"
        return ["\(folder)/test_decoding.so", "\(folder)/postgresql/test_decoding.so"]
            .contains { FileManager.default.fileExists(atPath: $0) }
    }
}
