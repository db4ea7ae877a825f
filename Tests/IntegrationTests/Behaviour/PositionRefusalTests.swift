import LeatTestSupport
import Testing

@Suite("A start that would lose or repeat changes is refused")
struct PositionRefusalTests {
    private static let schema = "create table t (id int primary key, v text)"
    private static let rows = "insert into t select i, 'v' from generate_series(1, 10) i"

    @Test("at a position beyond the source's WAL")
    func beyondWAL() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onTarget("update leat.progress set end_lsn = 'FFFF/0'")

            try await pair.expectRefusal(8, "FFFF/0", "beyond the end of the source's WAL")
        }
    }

    @Test("behind a slot that somebody moved on")
    func behindSlot() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource("insert into t values (11, 'lost')")
            let end = try await pair.sourceValue("select pg_current_wal_flush_lsn()") ?? ""
            try await pair.onSource(
                "select pg_replication_slot_advance('\(pair.objectName)', '\(end)')")

            try await pair.expectRefusal(8, pair.objectName, "beyond the stored position")
        }
    }

    @Test("on another cluster, or another database of the same one")
    func anotherSource() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            let other = try await ClusterPool.shared.cluster(.v15, as: .source)

            for place in [
                other.conninfo(database: "postgres"), pair.source.conninfo(database: "postgres"),
            ] {
                try await pair.expectRefusal(
                    8, "belongs to database \(pair.database) of system",
                    options: ["--source", place])
            }
        }
    }

    @Test("on a target that is a copy of the one it began with")
    func copiedTarget() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onTarget("update leat.progress set target_system_identifier = '1'")

            try await pair.expectRefusal(8, "this target is a copy of it")
            try await pair.expectRefusal(8, "--accept-target", "--target-only")
        }
    }

    @Test("unless it took that one's place, with the same tables: --accept-target")
    func acceptedTarget() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onTarget(
                """
                update leat.progress set target_system_identifier = '1', target_database_oid = 1;
                alter table t rename to was; create table t (like was including all)
                """)
            try await pair.expectRefusal(
                8, "public.t is not the table", options: ["--accept-target"])

            try await pair.onTarget("drop table t; alter table was rename to t")
            try await pair.onSource("insert into t values (11, 'new')")
            try await pair.catchUp("--accept-target")
            try await pair.onSource("insert into t values (12, 'newer')")
            try await pair.catchUp()

            try await pair.expectEqual()
        }
    }

    @Test("without its slot")
    func slotDropped() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.dropSlot()

            try await pair.expectRefusal(8, pair.objectName, "gone from the source")

            // The way back that the message names.
            let cleanup = try await pair.leat(["cleanup", "--yes"] + pair.places)
            #expect(cleanup.exitCode == 0, "\(cleanup.log)")
            try await pair.catchUp("--truncate", "--yes")
            try await pair.expectEqual()
        }
    }

    @Test("with a slot whose WAL the source has removed", arguments: PostgresVersion.allCases)
    func slotLost(_ version: PostgresVersion) async throws {
        var options = TemporaryCluster.Options()
        options.settings = ["max_slot_wal_keep_size": "1MB", "max_wal_size": "32MB"]
        let source = try await TemporaryCluster.started(version, options: options)
        let target = try await ClusterPool.shared.cluster(version, as: .target)
        try await Pair.with(source, target, schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            for _ in 0..<4 {
                try await pair.onSource(
                    "select pg_logical_emit_message(false, '', 'x'), pg_switch_wal()")
            }
            try await pair.onSource("checkpoint")
            try await pair.source.waitUntil(
                sql: "select wal_status from pg_replication_slots", equals: "lost",
                database: pair.database)

            try await pair.expectRefusal(8, pair.objectName, "(lost)")
        }
        try await source.remove()
    }

    @Test(
        "with a slot of the name that is not ours to read",
        arguments: [
            ("pg_create_logical_replication_slot($1, 'pgoutput')", "knows nothing of this stream"),
            ("pg_create_logical_replication_slot($1, 'pgoutput', false, true)", "two-phase"),
            ("pg_create_logical_replication_slot($1, 'test_decoding')", "test_decoding"),
            ("pg_create_physical_replication_slot($1)", "physical"),
        ])
    func foreignSlot(_ call: String, _ word: String) async throws {
        try await Pair.with(
            .init(.v15, .v15), schema: Self.schema, rows: Self.rows
        ) { pair in
            try await pair.onSource("select \(call.replacing("$1", with: "'\(pair.objectName)'"))")

            try await pair.expectRefusal(8, pair.objectName, word)

            try await pair.dropSlot()
        }
    }

    @Test("with another session's temporary slot, or another database's")
    func unusableSlot() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let name = pair.objectName
            let holder = Task {
                try await pair.source.sql(
                    """
                    select pg_create_logical_replication_slot('\(name)', 'pgoutput', true);
                    select pg_sleep(600)
                    """, database: pair.database)
            }
            try await pair.source.waitUntil(
                sql: "select confirmed_flush_lsn is not null from pg_replication_slots "
                    + "where slot_name = '\(name)'")

            let outcome = try await pair.leat(["sync"] + pair.places)
            #expect(outcome.exitCode == 8, "\(outcome.log)")
            #expect(outcome.log.contains("it is temporary"))

            try await pair.source.sql(
                "select pg_terminate_backend(active_pid, 5000) from pg_replication_slots "
                    + "where slot_name = '\(name)'")
            _ = await holder.result
            try await pair.source.sql(
                "select pg_create_logical_replication_slot('\(name)', 'pgoutput')")
            try await pair.expectRefusal(8, name, "belongs to database postgres")
            try await pair.source.sql("select pg_drop_replication_slot('\(name)')")
        }
    }

    @Test("but with --slot, --publication and --no-copy it takes over an existing slot")
    func adoptsSlot() async throws {
        try await Pair.with(schema: Self.schema) { pair in
            try await pair.onSource("create publication mine for table t")
            try await pair.onSource(
                "select pg_create_logical_replication_slot('mine_\(pair.database)', 'pgoutput')")
            try await pair.onSource(Self.rows)
            let slot = "mine_\(pair.database)"

            for copying in [[], ["--no-copy"]] {
                try await pair.expectRefusal(
                    2, "name its publication", options: ["--slot", slot] + copying)
            }
            try await pair.catchUp("--slot", slot, "--no-copy", "--publication", "mine")

            try await pair.expectEqual()
            let owned = "select owns_slot, owns_publication from leat.progress"
            #expect(try await pair.onTarget(owned) == [["f", "f"]])
        }
    }

    @Test(
        "and with a copy beside it, under a later snapshot", arguments: [false, true])
    func copiesBesideSlot(_ isSpooled: Bool) async throws {
        try await Pair.with(schema: Self.schema) { pair in
            let slot = "mine_\(pair.database)"
            try await pair.onSource("create publication mine for table t")
            try await pair.onSource(
                "select pg_create_logical_replication_slot('\(slot)', 'pgoutput')")
            // All of this is in the slot and in the snapshot.
            try await pair.onSource(Self.rows)
            try await pair.onSource("update t set v = 'w' where id < 4; delete from t where id = 9")
            let options = ["--slot", slot, "--publication", "mine"]
            let spool = isSpooled ? ["--spool", pair.spool] : []

            try await pair.onTarget("insert into t values (99)")
            try await pair.expectRefusal(6, "Not empty on the target", options: options)
            try await pair.catchUp(options: options + spool + ["--truncate", "--yes"])
            try await pair.expectEqual()
            try await pair.onSource("insert into t values (11, 'behind it')")
            try await pair.catchUp(options: options + spool)

            try await pair.expectEqual()
            #expect(try await pair.targetValue("select owns_slot from leat.progress") == "f")
        }
    }

    @Test("and a start that a crash cut off is made anew", arguments: [true, false])
    func creating(_ hasSlot: Bool) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onTarget(
                "update leat.progress set state = 'creating'; delete from leat.tables; truncate t")
            if !hasSlot {
                try await pair.dropSlot()
            }
            try await pair.onSource("insert into t values (11, 'new')")

            let outcome = try await pair.sync("--endpos", "now")

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(outcome.log.contains("never read") == hasSlot)
            try await pair.expectEqual()
        }
    }

    @Test("with a publication that was dropped and made again", arguments: [true, false])
    func publicationRemade(_ isOwn: Bool) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let name = isOwn ? pair.objectName : "mine"
            if !isOwn { try await pair.onSource("create publication mine for table t") }
            let options = isOwn ? [] : ["--publication", "mine"]
            let first = try await pair.leat(
                ["sync", "--endpos", "now"] + pair.places + options)
            #expect(first.exitCode == 0, "\(first.log)")
            try await pair.onSource(
                "drop publication \(name); create publication \(name) for table t")

            try await pair.expectRefusal(8, name, "dropped and made again", options: options)

            try await pair.onSource("drop publication \(name)")
            try await pair.expectRefusal(8, name, "was dropped", options: options)
        }
    }
}
