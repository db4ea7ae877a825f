import Foundation
import LeatTestSupport
import Testing

@Suite("leat slot peek")
struct SlotPeekTests {
    @Test(
        "shows transactions with their tables, and moves nothing",
        arguments: PostgresVersion.allCases)
    func transactions(_ version: PostgresVersion) async throws {
        try await PeekFixture.with(version) { fixture in
            let pair = fixture.pair
            #expect(try await fixture.lines().map(\.type) == ["end"])
            try await pair.onSource("insert into t values (1, 'a'), (2, 'b')")
            try await pair.onSource("update t set v = 'c'; delete from t where id = 2")
            try await pair.onSource("insert into other values (1)")
            try await pair.onSource("begin; insert into t values (3, 'x'); rollback")
            try await pair.onSource(
                "truncate t, big; select pg_logical_emit_message(true, 'p', 'm')")
            try await pair.onSource("select pg_logical_emit_message(false, 'q', 'm')")
            // What a checkpoint writes is where the server would move a slot to that is read.
            try await pair.source.sql("checkpoint")
            try await pair.onSource("insert into big values (1, repeat('x', 9000))")

            let lines = try await fixture.lines()

            #expect(
                lines.map(\.type) == [
                    "transaction", "transaction", "transaction", "message", "transaction", "end",
                ])
            #expect(
                lines.dropLast().map(\.text) == [
                    "public.t insert 2", "public.t delete 1, update 2",
                    "public.t truncate 1; public.big truncate 1; 'p' message 1", "'q' message 1",
                    "public.big insert 1",
                ])
            #expect(lines.last?.is_complete == true)
            #expect(lines.last?.publications == [fixture.slot])
            #expect((lines[4].changes?.first?.operations["insert"]?.bytes ?? 0) > 9000)

            // An end LSN is where the slot would be confirmed: before it stand exactly those.
            let until = try await fixture.lines("--until", lines[1].end_lsn ?? "")
            #expect(until.map(\.type) == ["transaction", "transaction", "end"])
            let limited = try await fixture.lines("--limit", "1")
            #expect(limited.map(\.type) == ["transaction", "end"])
            #expect(limited.last?.is_complete == false)
            let table = try await fixture.lines("--table", "b*")
            #expect(
                table.dropLast().map(\.text) == ["public.big truncate 1", "public.big insert 1"])

            let summary = try await fixture.summary()
            #expect(summary.transactions == 4)
            #expect(summary.count("public.t", "insert") == 2)
            #expect(summary.count("public.t", "truncate") == 1)
            #expect(summary.changes.first?.table == "public.big")
            #expect(summary.largest?.xid == lines[4].xid)

            let text = try await fixture.peek()
            #expect(text.output.contains("xid \(lines[0].xid ?? 0)  commit "))
            #expect(text.output.contains("2 updates, 1 delete"))
            #expect(!text.text.contains("xxxx"))
            let people = try await fixture.peek("--summary")
            #expect(people.output.contains("public.big"), "\(people.text)")
        }
    }

    @Test(
        "agrees with what the server's own function counts", arguments: PostgresVersion.allCases)
    func agrees(_ version: PostgresVersion) async throws {
        try await PeekFixture.with(version) { fixture in
            let pair = fixture.pair
            try await pair.onSource(
                """
                insert into t select i, 'v' from generate_series(1, 500) i;
                update t set v = 'w' where id % 3 = 0; delete from t where id % 7 = 0;
                insert into big select i, repeat('y', 3000) from generate_series(1, 200) i
                """)
            try await pair.onSource("update big set id = -id where id < 50")

            let summary = try await fixture.summary()

            let rows = try await pair.onSource(
                """
                select chr(get_byte(data, 0)), count(*), sum(length(data))
                from pg_logical_slot_peek_binary_changes('\(fixture.slot)', null, null,
                  'proto_version', '1', 'publication_names', '\(fixture.slot)')
                where chr(get_byte(data, 0)) in ('I', 'U', 'D') group by 1
                """)
            for (letter, operation) in [("I", "insert"), ("U", "update"), ("D", "delete")] {
                let lines = summary.changes.filter { $0.operation == operation }
                let row = rows.first { $0[0] == letter }
                #expect(row?[1] == "\(lines.reduce(0) { $0 + $1.count })")
                #expect(row?[2] == "\(lines.reduce(0) { $0 + $1.bytes })")
            }
        }
    }

    @Test("shows values only when asked to", arguments: PostgresVersion.allCases)
    func values(_ version: PostgresVersion) async throws {
        try await PeekFixture.with(version) { fixture in
            let pair = fixture.pair
            try await pair.onSource(
                """
                insert into big values (1, repeat('z', 9000)), (2, null);
                update big set id = 3 where id = 1; delete from big where id = 2;
                truncate t restart identity cascade;
                select pg_logical_emit_message(true, 'pre', E'it''s \\x1b[31m')
                """)
            try await pair.onSource("insert into other values (1)")

            let lines = try await fixture.lines("--show-values")

            let changes = lines.filter { $0.type == "change" }
            #expect(
                changes.map(\.operation) == [
                    "insert", "insert", "update", "delete", "truncate", "message",
                ])
            #expect(changes[0].new?.last?.value?.count == 9000)
            #expect(changes[1].new?.last == .init(name: "v", value: nil))
            #expect(changes[2].old == [.init(name: "id", value: "1")])
            #expect(changes[2].new?.last == .init(name: "v", is_unchanged: true))
            #expect(changes[3].old == [.init(name: "id", value: "2")])
            #expect((changes[4].is_cascade, changes[4].restarts_identity) == (true, true))
            #expect(changes[5].content == Data("it's \u{1B}[31m".utf8))
            #expect(Set(changes.map(\.xid)).count == 1)
            #expect(changes.allSatisfy { $0.commit_lsn != nil && $0.commit_time != nil })
            let rows = changes.filter { $0.new != nil || $0.old != nil }
            #expect(rows.allSatisfy { $0.table == $0.tables?.first && $0.table != nil })
            #expect(changes[4].table == nil && changes[4].tables?.isEmpty == false)
            let objects = try await fixture.peek("--show-values", "--json").output
                .split(separator: "\n").compactMap { line in
                    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                }.filter { $0["type"] as? String == "change" }
            #expect(try ChangePage().unknown(in: "peek", of: objects) == [])

            let text = try await fixture.peek("--show-values")
            #expect(text.output.contains("update public.big: (id = '1') becomes (id = '3', v ="))
            #expect(text.output.contains(#"message "pre": 'it''s \x1B[31m'"#), "\(text.output)")
        }
    }

    @Test(
        "tells large transactions that committed, were rolled back or go on apart",
        arguments: PostgresVersion.allCases)
    func large(_ version: PostgresVersion) async throws {
        try await PeekFixture.with(version) { fixture in
            let pair = fixture.pair
            // Each well above logical_decoding_work_mem, which is 64 MB: they come in progress.
            func rows(_ from: Int) -> String {
                """
                insert into t select i, repeat('v', 2000)
                from generate_series(\(from), \(from) + 39999) i
                """
            }
            try await pair.onSource(
                """
                begin; \(rows(1)); savepoint a; insert into big select i, 'b' from
                generate_series(1, 1000) i; rollback to a; insert into other values (1);
                update t set v = 'x' where id <= 10; commit
                """)
            try await pair.onSource("begin; \(rows(100_000)); rollback")
            let open = Task {
                try await pair.onSource(
                    """
                    begin; \(rows(200_000)); set local application_name = 'open_\(pair.database)';
                    select pg_sleep(300); rollback
                    """)
            }
            try await pair.source.waitUntil(
                sql: "select count(*) = 1 from pg_stat_activity "
                    + "where application_name = 'open_\(pair.database)'")
            try await pair.source.sql("checkpoint")
            try await pair.onSource("insert into t values (0, 'last')")

            let process = try LeatProcess(fixture.arguments + ["--summary", "--json"])
            #expect(try await process.waitForExit() == 0, "\(process.log)")
            let summary = try JSONDecoder().decode(
                PeekFixture.Summary.self, from: Data(process.output.utf8))

            #expect(summary.transactions == 2)
            #expect(summary.count("public.t", "insert") == 40_001)
            #expect(summary.count("public.t", "update") == 10)
            #expect(summary.changes.allSatisfy { $0.table == "public.t" })
            // 18 leaves out what it knows to be rolled back.
            #expect(summary.rolled_back_transactions == (version == .v18 ? 0 : 1))
            // Before 18 it sends them until a look at its catalogs tells it.
            #expect((summary.rolled_back.count > 0) == (version != .v18))
            #expect(summary.in_progress.count == 1)
            #expect(
                (summary.in_progress.first?.changes?.first?.operations["insert"]?.count ?? 0)
                    > 10_000)
            #expect(process.peakResidentBytes < 64 << 20, "\(process.peakResidentBytes)")

            // With values only what has committed comes, whole, and memory stays.
            let values = try LeatProcess(
                fixture.arguments + ["--show-values", "--limit", "0", "--table", "t"])
            #expect(try await values.waitForExit() == 0, "\(values.log)")
            #expect(
                values.output.split(separator: "\n").count { $0.hasPrefix("  insert") } == 40_001)
            #expect(values.peakResidentBytes < 64 << 20, "\(values.peakResidentBytes)")
            try await pair.source.sql(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                    + "where application_name = 'open_\(pair.database)'")
            _ = try? await open.value
        }
    }

    @Test(
        "a killed peek, and a source that stops under it, leave the slot as it was",
        arguments: PostgresVersion.allCases)
    func killed(_ version: PostgresVersion) async throws {
        let server = try await TemporaryCluster.started(version)
        let target = try await ClusterPool.shared.cluster(version, as: .target)
        try await Pair.with(server, target, schema: PeekFixture.schema) { pair in
            let fixture = PeekFixture(pair: pair, slot: "s")
            try await pair.onSource("create publication p for all tables")
            try await fixture.createSlot("s")
            for round in 0..<3 {
                try await pair.onSource(
                    "insert into t select i, repeat('v', 100) from generate_series("
                        + "\(round)00000, \(round)90000) i")
                try await server.sql("checkpoint")
            }
            let before = try await fixture.positions()
            let arguments = fixture.arguments + ["--show-values", "--limit", "0"]
            let first = try LeatProcess(arguments)
            try await first.waitForOutput(containing: "insert public.t")
            #expect(
                try await server.scalar(
                    "select count(*) from pg_replication_slots where temporary and active") == "1")
            try await first.kill()
            #expect(!first.output.contains("all that commit"), "it was over before it was killed")
            #expect(try await fixture.positions() == before)

            let second = try LeatProcess(arguments)
            try await second.waitForOutput(containing: "insert public.t")
            try await server.stop(mode: .fast)
            let code = try await second.waitForExit()
            #expect(code == 3 || code == 0, "\(second.log)")
            try await server.start()
            #expect(try await fixture.positions() == before)

            let summary = try await fixture.summary()
            #expect(summary.transactions == 3)
        }
        try await server.remove()
    }

    @Test("a slot in use is looked into, through the publication that its reader asked for")
    func active() async throws {
        try await PeekFixture.with(.v16, publication: "for table t") { fixture in
            let pair = fixture.pair
            try await pair.onSource("create publication wider for all tables")
            let slot = "reader_\(pair.database)"
            try await fixture.createSlot(slot)
            let reader = try ChildProcess(
                pair.source.installation.program("pg_recvlogical"),
                arguments: [
                    "-d", pair.source.conninfo(database: pair.database), "-S", slot, "--start",
                    "-f", "/dev/null", "-s", "3600", "-o", "proto_version=1",
                    "-o", "publication_names=wider",
                ])
            defer { reader.signal(SIGKILL) }
            try await pair.source.waitUntil(
                sql: "select active from pg_replication_slots where slot_name = '\(slot)'")
            try await pair.onSource("insert into other values (7)")

            let outcome = try await pair.leat([
                "slot", "peek", slot, "--source", pair.source.conninfo(database: pair.database),
            ])

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(outcome.output.contains("public.other  1 insert"), "\(outcome.output)")
            #expect(outcome.output.contains("publication wider"))
        }
    }

    @Test(
        "shows temporary slots of others, and failover slots", arguments: PostgresVersion.allCases)
    func kinds(_ version: PostgresVersion) async throws {
        try await PeekFixture.with(version) { fixture in
            let (pair, name) = (fixture.pair, fixture.pair.database)
            let holder = Task {
                try await pair.onSource(
                    """
                    set application_name = 'hold_\(name)';
                    select count(*) from pg_create_logical_replication_slot('temp_\(name)',
                      'pgoutput', true), pg_sleep(300)
                    """)
            }
            try await pair.source.waitUntil(
                sql: "select confirmed_flush_lsn is not null from pg_replication_slots "
                    + "where slot_name = 'temp_\(name)'")
            if version == .v18 {
                try await pair.onSource(
                    "select pg_create_logical_replication_slot('over_\(name)', 'pgoutput', "
                        + "failover => true)")
            }
            try await pair.onSource("insert into t values (1, 'a')")
            let before = try await fixture.positions()

            for slot in ["temp_\(name)"] + (version == .v18 ? ["over_\(name)"] : []) {
                let outcome = try await pair.leat([
                    "slot", "peek", slot, "--source", pair.source.conninfo(database: name),
                ])
                #expect(outcome.exitCode == 0, "\(outcome.log)")
                #expect(outcome.output.contains("public.t  1 insert"), "\(outcome.output)")
            }

            #expect(try await fixture.positions() == before)
            try await pair.source.sql(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                    + "where application_name = 'hold_\(name)'")
            _ = try? await holder.value
        }
    }

    @Test("is refused with a reason, and changes nothing", arguments: PostgresVersion.allCases)
    func refusals(_ version: PostgresVersion) async throws {
        try await PeekFixture.with(version) { fixture in
            let pair = fixture.pair
            let database = pair.database
            try await pair.onSource(
                """
                select pg_create_physical_replication_slot('phys_\(database)');
                select pg_create_logical_replication_slot('two_\(database)', 'pgoutput', false, true);
                select pg_create_logical_replication_slot('free_\(database)', 'pgoutput');
                create publication second for table other
                """)
            let source = ["--source", pair.source.conninfo(database: database)]
            let elsewhere = ["--source", pair.source.conninfo(database: "postgres")]
            let cases: [(arguments: [String], code: Int32, words: String)] = [
                (["nothing_\(database)"] + source, 2, "no slot"),
                (["phys_\(database)"] + source, 2, "physical"),
                (["two_\(database)"] + source, 2, "two-phase"),
                ([fixture.slot] + elsewhere, 2, "is of database \(database)"),
                (["free_\(database)"] + source, 2, "There are: \(fixture.slot), second"),
                ([fixture.slot, "--publication", "gone"] + source, 2, "no publication gone"),
                ([fixture.slot, "--until", "FF/0"] + source, 6, "beyond the end"),
                ([fixture.slot, "--until", "x"] + source, 2, "no LSN"),
                ([fixture.slot, "--summary", "--show-values"] + source, 64, "--summary"),
            ]
            for (arguments, code, words) in cases {
                let outcome = try await pair.leat(["slot", "peek"] + arguments)
                #expect(outcome.exitCode == code, "\(arguments): \(outcome.log)")
                #expect(outcome.log.contains(words), "\(arguments): \(outcome.log)")
            }
            try await pair.onSource("select pg_drop_replication_slot('phys_\(database)')")
        }
    }

    @Test(
        "needs no more than the right to replicate, and says so without",
        arguments: PostgresVersion.allCases)
    func privileges(_ version: PostgresVersion) async throws {
        try await PeekFixture.with(version) { fixture in
            let (pair, role) = (fixture.pair, "role_\(fixture.pair.database)")
            try await pair.onSource("create role \(role) login replication")
            try await pair.onSource("insert into t values (1, 'a')")
            let arguments = [
                "slot", "peek", fixture.slot,
                "--source", pair.source.conninfo(database: pair.database, user: role),
            ]
            let allowed = try await pair.leat(arguments)
            try await pair.onSource("alter role \(role) noreplication")
            let refused = try await pair.leat(arguments)
            try await pair.onSource("drop role \(role)")

            #expect(allowed.exitCode == 0, "\(allowed.log)")
            #expect(allowed.output.contains("public.t  1 insert"))
            #expect(refused.exitCode == 3, "\(refused.log)")
            #expect(refused.log.lowercased().contains("replication"), "\(refused.log)")
        }
    }

    @Test(
        "a publication that is younger than the changes shows none of them, and says so",
        arguments: PostgresVersion.allCases)
    func youngPublication(_ version: PostgresVersion) async throws {
        try await PeekFixture.with(version) { fixture in
            let pair = fixture.pair
            try await pair.onSource("insert into other values (1)")
            try await pair.onSource("create publication young for table other")
            try await pair.onSource("insert into other values (2)")

            let outcome = try await fixture.peek("--publication", "young")

            #expect(outcome.log.contains("young"), "\(outcome.text)")
            if version == .v18 {
                #expect(outcome.exitCode == 0, "\(outcome.log)")
                #expect(outcome.output.contains("1 insert"))
            } else {
                #expect(outcome.exitCode == 3, "\(outcome.log)")
            }
        }
    }

    @Test("lost and foreign slots, and a server without a free slot")
    func otherSlots() async throws {
        var options = TemporaryCluster.Options()
        options.settings = [
            "max_replication_slots": "3", "max_slot_wal_keep_size": "1MB", "max_wal_size": "32MB",
            "min_wal_size": "32MB",
        ]
        let server = try await TemporaryCluster.started(.v15, options: options)
        let target = try await ClusterPool.shared.cluster(.v15, as: .target)
        try await Pair.with(server, target, schema: PeekFixture.schema) { pair in
            let fixture = PeekFixture(pair: pair, slot: "s")
            try await pair.onSource("create publication s for all tables")
            try await fixture.createSlot("s")
            try await pair.onSource("insert into t values (1, 'a')")
            try await fixture.createSlot("a")
            try await fixture.createSlot("b")
            let full = try await fixture.peek()
            #expect(full.exitCode == 3 && full.log.contains("no free replication slot"))

            // WAL is the same whoever decodes it.
            try await pair.onSource(
                """
                select pg_drop_replication_slot('a'); select pg_drop_replication_slot('b');
                """)
            try await fixture.createSlot("test", plugin: "test_decoding")
            try await pair.onSource("insert into t values (2, 'b')")
            let foreign = try await pair.leat([
                "slot", "peek", "test", "--source", pair.source.conninfo(database: pair.database),
            ])
            #expect(foreign.exitCode == 0, "\(foreign.log)")
            #expect(foreign.output.contains("public.t  1 insert"))
            #expect(foreign.log.contains("test_decoding"))

            for _ in 0..<5 {
                try await server.sql("select pg_switch_wal()")
                try await pair.onSource("insert into other select 1 where false; checkpoint")
            }
            try await server.waitUntil(
                sql: "select wal_status = 'lost' from pg_replication_slots where slot_name = 's'")
            let lost = try await fixture.peek()
            #expect(lost.exitCode == 8, "\(lost.log)")
            #expect(lost.log.contains("Slot s is lost"))
        }
        try await server.remove()
    }
}
