import Foundation
import LeatTestSupport
import Testing

@Suite("Spooling") struct SpoolTests {
    static let schema = """
        create table item (id int primary key, note text, v int default 0);
        create table journal (id bigint primary key, note text);
        alter table journal alter note set storage external;
        """

    static func load(_ round: Int) -> String {
        """
        insert into item select i, 'round \(round)' from generate_series(1, 200) i
          on conflict (id) do update set v = item.v + 1, note = excluded.note;
        delete from item where id = \(round);
        insert into journal select \(round) * 1000 + i, repeat(md5(i::text), 20)
          from generate_series(1, 500) i
        """
    }

    @Test("a target that is away holds none of the source's WAL, and has all of it afterwards")
    func away() async throws {
        try await Pair.withOwnServers(
            schema: SpoolTests.schema, rows: SpoolTests.load(0)
        ) { pair in
            try await pair.source.sql(
                "alter database \(pair.database) set logical_decoding_work_mem = '64kB'")
            var leat = try pair.startSpooling("--spool-limit", "80MB")
            try await pair.waitForStream(leat)
            try await pair.target.stop(mode: .immediate)
            for round in 1...12 {
                try await pair.onSource(SpoolTests.load(round))
                try await pair.onSource("select pg_switch_wal()")
                // With the target away, it is killed and started as well.
                if round == 6 {
                    try await leat.kill()
                    leat = try pair.startSpooling("--spool-limit", "80MB")
                    try await leat.waitForOutput(containing: "recording")
                }
            }
            try await pair.onSource(
                """
                begin;
                insert into journal select -i, 'large' from generate_series(1, 20000) i;
                savepoint s;
                insert into journal select -100000 - i, 'gone' from generate_series(1, 5000) i;
                rollback to s;
                commit
                """)
            try await pair.waitUntilRecorded()
            try await pair.source.waitUntil(
                sql: """
                    select pg_current_wal_lsn() - restart_lsn < 3 * 16 * 1024 * 1024
                      and pg_log_standby_snapshot() is not null
                    from pg_replication_slots where slot_name = '\(pair.objectName)'
                    """)
            #expect(leat.exit == nil)

            try await pair.target.start()
            // The source may go too: what was recorded comes all the same.
            try await pair.waitUntilApplied()
            try await pair.source.restart(mode: .immediate)
            try await pair.onSource(SpoolTests.load(31))
            try await pair.waitUntilApplied()

            try await pair.expectEqual()

            // The source is lost for good: what is left of the spool is played without it.
            try await pair.whileTargetWaits(on: "item") {
                try await pair.onSource(SpoolTests.load(32))
                try await pair.waitUntilRecorded()
                try await leat.kill()
            }
            let rows = try await pair.source.databaseHash(pair.database)
            try await pair.source.stop(mode: .immediate)
            let replay = [
                "replay", "--archive", pair.spool, "--stream", pair.stream, "--target",
                pair.target.conninfo(database: pair.database),
            ]
            #expect(try await pair.leat(replay + ["--rewind", "--yes"]).exitCode == 2)
            let rest = try await pair.leat(replay)
            #expect(rest.exitCode == 0, "\(rest.log)")
            #expect(try await pair.target.databaseHash(pair.database) == rows)
            try await pair.source.start()
            leat = try pair.startSpooling()
            try await pair.waitForStream(leat)
            try await pair.waitUntilApplied()
            try await pair.expectEqual()
            // A stop does not wait for a source that is gone.
            try await pair.source.stop(mode: .immediate)
            #expect(try await leat.terminate(timeout: .seconds(10)) == 0, "\(leat.log)")
        }
    }

    @Test(
        "killed at a step, the next start loses nothing and applies nothing twice",
        arguments: [
            "slot-created", "record-creating", "archive-begun", "spool-reader-registered",
            "spool-marked", "spool-begun", "table-copied", "archive-appended:2",
            "archive-synchronised", "archive-position-written", "archive-segment-made",
            "batch-sent:2", "commit-sent:3", "stored-not-confirmed:4", "mid-stream:700",
        ])
    func failPoints(_ point: String) async throws {
        try await Pair.with(schema: SpoolTests.schema, rows: SpoolTests.load(0)) { pair in
            // So that transactions are streamed while they are in progress.
            try await pair.onSource(
                "alter database \(pair.database) set logical_decoding_work_mem = '64kB'")
            let leat = try pair.startSpooling("--spool-limit", "400kB", failPoint: point)
            var round = 0
            while leat.exit == nil, round < 300 {
                round += 1
                try await pair.onSource(SpoolTests.load(round))
            }
            #expect(try await leat.waitForExit() == 137, "\(leat.log)")

            let outcome = try await pair.sync("--spool", pair.spool, "--endpos", "now")

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            try await pair.expectEqual()
            let slots = try await pair.sourceValue(
                """
                select count(*) from pg_replication_slots
                where database = current_database() and not temporary
                """)
            #expect(slots == "1")
        }
    }

    @Test("what only the spool has is not left out: without it, or with another one, no start")
    func refusals() async throws {
        try await Pair.with(schema: SpoolTests.schema, rows: SpoolTests.load(0)) { pair in
            let other = pair.spool + "-other"
            defer {
                try? FileManager.default.removeItem(atPath: other)
            }
            let leat = try pair.startSpooling()
            try await pair.waitForStream(leat)
            #expect(try await pair.sync("--spool", pair.spool).exitCode == 4)
            try await pair.whileTargetWaits(on: "item") {
                try await pair.onSource(SpoolTests.load(1))
                try await pair.waitUntilRecorded()
                try await leat.kill()
            }

            try await pair.expectRefusal(8, "nowhere else", pair.spool)
            try await pair.expectRefusal(
                2, "state folder", options: ["--spool", pair.stateDirectory + "/spool"])
            try await pair.expectRefusal(
                8, "nowhere else", pair.spool, options: ["--spool", other])
            let record = try await pair.leat(
                [
                    "record", "--source", pair.source.conninfo(database: pair.database),
                    "--stream", pair.stream, "--archive", pair.spool, "--state-dir",
                    pair.stateDirectory,
                ])
            #expect(record.exitCode == 2 && record.log.contains("the spool of leat sync"))
            let foreign = try await pair.leat(
                ["sync"] + pair.places
                    + [
                        "--stream", "o\(pair.stream)", "--spool", pair.spool, "--state-dir",
                        pair.stateDirectory + "-o",
                    ])
            #expect(foreign.exitCode == 2, "\(foreign.log)")
            #expect(foreign.log.contains("the spool of another stream"), "\(foreign.log)")

            // A folder that was moved is the same spool.
            try? FileManager.default.removeItem(atPath: other)
            try FileManager.default.moveItem(atPath: pair.spool, toPath: other)
            let moved = try pair.startSpooling(at: other)
            try await pair.waitUntilApplied()
            #expect(try await moved.terminate() == 0, "\(moved.log)")
            try await pair.expectEqual()

            // Once the target has all, the spool is not needed, and an old one begins anew.
            try await pair.onSource(SpoolTests.load(2))
            let without = try await pair.sync("--endpos", "now")
            #expect(without.exitCode == 0, "\(without.log)")
            #expect(without.log.contains("the spool is not used any more"))
            try await pair.expectEqual()
            try await pair.onSource(SpoolTests.load(3))
            let again = try await pair.sync("--spool", other, "--endpos", "now")
            #expect(again.exitCode == 0 && again.log.contains("spool begun"), "\(again.log)")
            try await pair.expectEqual()

            try await pair.dropSlot()
            try await pair.expectRefusal(8, "gone", options: ["--spool", other])
            let cleanup = try await pair.leat(["cleanup", "--yes"] + pair.places)
            #expect(cleanup.output.contains("left: spool") && cleanup.output.contains(other))
            try await pair.expectRefusal(
                2, "an earlier stream", options: ["--spool", other, "--truncate", "--yes"])
        }
    }

    @Test("at its limit the spool is read no further, and goes on when there is room")
    func limit() async throws {
        try await Pair.with(schema: SpoolTests.schema, rows: SpoolTests.load(0)) { pair in
            let leat = try pair.startSpooling("--spool-limit", "2MB")
            try await pair.waitForStream(leat)
            try await pair.whileTargetWaits(on: "journal") {
                for round in 1...20 {
                    try await pair.onSource(
                        """
                        insert into journal
                        select \(round) * 10000 + i, md5(random()::text) || md5(random()::text)
                          || md5(random()::text) || md5(random()::text)
                        from generate_series(1, 10000) i
                        """)
                }
                try await leat.waitForOutput(containing: "the spool has reached its limit")
                // 26 MB are on the way; of a batch, some may be over it.
                #expect(try pair.spoolBytes() < 6 << 20)
            }
            try await leat.waitForOutput(containing: "the spool has room again")
            try await pair.waitUntilApplied()

            try await pair.expectEqual()
            #expect(try await leat.terminate() == 0, "\(leat.log)")
        }
    }

    @Test("recording begins before the copy ends")
    func copying() async throws {
        try await Pair.with(schema: SpoolTests.schema, rows: SpoolTests.load(0)) { pair in
            // The copy's rows wait for a writer of the same keys.
            try await pair.onTarget("create unique index on item (v, id)")
            let leat = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try? await pair.onTarget(
                        "begin; insert into item values (1, 'mine', 0); select pg_sleep(600)")
                }
                let holder = """
                    from pg_stat_activity
                    where datname = '\(pair.database)' and wait_event = 'PgSleep'
                    """
                try await pair.target.waitUntil(sql: "select count(*) \(holder)", equals: "1")
                let leat = try pair.startSpooling()
                try await leat.waitForOutput(containing: "recording")
                try await pair.onSource(SpoolTests.load(1))
                try await pair.waitUntilRecorded()
                let state = try await pair.targetValue(
                    "select state from leat.tables where table_name = 'item'")
                #expect(state != "ready")
                try await pair.target.sql("select pg_terminate_backend(pid) \(holder)")
                group.cancelAll()
                return leat
            }
            try await pair.waitUntilApplied()

            try await pair.expectEqual()
            #expect(try await leat.terminate() == 0, "\(leat.log)")
        }
    }

    @Test("a slot that was read without the spool is taken up again once the target can be asked")
    func readWithoutIt() async throws {
        try await Pair.withOwnServers(
            schema: SpoolTests.schema, rows: SpoolTests.load(0)
        ) { pair in
            let first = try pair.startSpooling()
            try await pair.waitForStream(first)
            try await pair.onSource(SpoolTests.load(1))
            try await pair.waitUntilApplied()
            #expect(try await first.terminate() == 0, "\(first.log)")
            try await pair.onSource(SpoolTests.load(2))
            try await pair.catchUp()
            try await pair.target.stop(mode: .immediate)

            let leat = try pair.startSpooling()
            try await pair.onSource(SpoolTests.load(3))
            try await leat.waitForOutput(containing: "known when it can be reached")
            #expect(leat.exit == nil, "\(leat.log)")
            // A stop does not wait for either.
            #expect(try await leat.terminate(timeout: .seconds(20)) == 0, "\(leat.log)")

            let next = try pair.startSpooling()
            try await next.waitForOutput(containing: "known when it can be reached")
            try await pair.target.start()
            try await pair.waitUntilApplied()
            try await pair.expectEqual()
            try await pair.waitUntilRecorded()
            #expect(try await next.terminate() == 0, "\(next.log)")
        }
    }

    @Test("a partition that is attached with rows is told and noted on the target")
    func partitions() async throws {
        let schema = """
            create table p (id int primary key) partition by range (id);
            create table p_1 partition of p for values from (0) to (10);
            """
        try await Pair.with(schema: schema, rows: "insert into p values (1)") { pair in
            let leat = try pair.startSpooling()
            try await pair.waitForStream(leat)
            try await pair.onSource(
                """
                create table p_2 (id int primary key);
                insert into p_2 values (11);
                alter table p attach partition p_2 for values from (10) to (20);
                """)
            try await leat.waitForOutput(containing: "partition=public.p_2")
            let noted = try await pair.targetValue(
                "select change from leat.partitions where table_name = 'p_2'")
            #expect(noted == "attached")
            #expect(try await leat.terminate() == 0)
        }
    }

    @Test("a change of a table in the middle stops with the statement, and goes on behind it")
    func schemaChange() async throws {
        try await Pair.with(schema: SpoolTests.schema, rows: SpoolTests.load(0)) { pair in
            try await pair.catchUp("--spool", pair.spool)
            try await pair.onSource(SpoolTests.load(1))
            try await pair.onSource("alter table item add more text default 'more'")
            try await pair.onSource(SpoolTests.load(2))
            try await pair.expectStopAndMend("more", options: ["--spool", pair.spool])

            // A table that joins is copied by the next start, and followed.
            let leat = try pair.startSpooling()
            try await pair.waitForStream(leat)
            try await pair.both("create table late (id int primary key)")
            try await pair.onSource("insert into late select generate_series(1, 10)")
            try await pair.waitUntilApplied()
            #expect(try await leat.terminate() == 0)
            try await pair.catchUp("--spool", pair.spool)
            try await pair.onSource("insert into late values (11)")
            try await pair.catchUp("--spool", pair.spool)
            try await pair.expectEqual()
        }
    }

    @Test("a disk that is full stops the reading, and not the target; with room it goes on")
    func fullDisk() async throws {
        try await Pair.with(schema: SpoolTests.schema, rows: SpoolTests.load(0)) { pair in
            let leat = try pair.startSpooling()
            try await pair.waitForStream(leat)
            try await setLimit("100000", of: leat)
            try await pair.onSource("update item set note = 'before'")
            try await pair.onSource(
                """
                insert into journal select -i, md5(i::text) || md5((-i)::text)
                from generate_series(1, 20000) i
                """)
            try await leat.waitForOutput(containing: "There is no room for the spool")
            try await pair.target.waitUntil(
                sql: "select bool_and(note = 'before') from item", database: pair.database)
            #expect(leat.exit == nil)
            try await setLimit("unlimited", of: leat)
            try await pair.waitUntilApplied()

            try await pair.expectEqual()
            #expect(try await leat.terminate() == 0, "\(leat.log)")
        }
    }

    /// No file may become longer: what a full disk does, without filling one.
    private func setLimit(_ bytes: String, of leat: LeatProcess) async throws {
        let limit = try ChildProcess(
            "/usr/bin/prlimit", arguments: ["--pid", "\(leat.processID)", "--fsize=\(bytes):"])
        #expect(try await limit.wait(timeout: .seconds(10)) == .code(0))
    }
}
