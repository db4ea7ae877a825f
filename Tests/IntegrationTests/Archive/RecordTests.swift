import Foundation
import LeatArchive
import LeatTestSupport
import PGWire
import Synchronization
import Testing

@Suite("Recording") struct RecordTests {
    static let schema = """
        create table item (id int primary key, note text, v int default 0);
        create table journal (id bigint generated always as identity primary key, note text);
        """

    @Test(
        "a base and everything behind it are the source: streamed, rolled back, empty, large",
        arguments: PostgresVersion.allCases)
    func everything(_ version: PostgresVersion) async throws {
        try await Pair.with(.init(version, version), schema: RecordTests.schema) { pair in
            try await pair.onSource(
                """
                alter database \(pair.database) set logical_decoding_work_mem = '64kB';
                insert into item select i, 'first ' || i from generate_series(1, 5000) i
                """)
            let begun = try await pair.record(
                "--with-base", "--pg-dump", pair.source.installation.program("pg_dump"))
            #expect(begun.exitCode == 0, "\(begun.log)")

            try await pair.onSource("update item set v = v + 1 where id % 7 = 0")
            try await pair.onSource(
                """
                begin;
                insert into journal (note) select 'large ' || i from generate_series(1, 20000) i;
                savepoint s;
                insert into journal (note) select 'gone ' || i from generate_series(1, 5000) i;
                rollback to s;
                delete from item where id > 4000;
                commit
                """)
            try await pair.onSource("begin; insert into item values (-1, 'never'); rollback")
            try await pair.onSource("begin; select 1; commit")
            try await pair.onSource("update item set note = repeat('x', 100000) where id = 1")
            try await pair.onSource("update item set v = 100 where id = 1")
            try await pair.onSource("update item set id = 9999 where id = 2")
            let outcome = try await pair.record()

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            let recorded = try RecordedTables(pair.archive, fromBase: true)
            #expect(try await recorded.sorted("item") == pair.rows("item"))
            #expect(try await recorded.sorted("journal") == pair.rows("journal"))
            let schema = try String(
                contentsOfFile: ArchiveFolder(pair.archive).basePath(
                    try #require(try ArchiveFolder(pair.archive).bases().last).lsn)
                    + "/schema.sql", encoding: .utf8)
            #expect(schema.contains("CREATE TABLE public.item"))
            #expect(!schema.contains("PUBLICATION"))
        }
    }

    @Test("logical messages are kept, but for those that were rolled back")
    func messages() async throws {
        try await Pair.with(schema: RecordTests.schema) { pair in
            try await pair.onSource(
                "alter database \(pair.database) set logical_decoding_work_mem = '64kB'")
            #expect(try await pair.record().exitCode == 0)

            try await pair.onSource(
                """
                select pg_logical_emit_message(false, 'p', 'at once');
                begin;
                select pg_logical_emit_message(true, 'p', 'with it');
                insert into item values (1);
                select pg_logical_emit_message(false, 'p', 'at once, whatever becomes of it');
                commit;
                begin; select pg_logical_emit_message(true, 'p', 'never'); rollback
                """)
            // Streamed, with a part that is rolled back: the servers do not tell whose the
            // messages are.
            try await pair.onSource(
                """
                begin;
                select pg_logical_emit_message(true, 'p', 'large');
                insert into journal (note) select 'kept ' || i from generate_series(1, 5000) i;
                savepoint s;
                select pg_logical_emit_message(true, 'p', 'gone');
                insert into journal (note) select 'gone ' || i from generate_series(1, 5000) i;
                rollback to s;
                commit
                """)
            let outcome = try await pair.record()

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            let recorded = try RecordedTables(pair.archive)
            #expect(
                recorded.messages
                    == ["at once", "at once, whatever becomes of it", "with it", "large"])
            #expect(try await recorded.sorted("journal") == pair.rows("journal"))
            // Nothing comes twice, and an idle stream is confirmed all the same.
            #expect(try await pair.record().exitCode == 0)
            #expect(try RecordedTables(pair.archive).messages == recorded.messages)
        }
    }

    @Test("tables that change and join are described, and their rows recorded")
    func definitions() async throws {
        try await Pair.with(schema: RecordTests.schema) { pair in
            #expect(try await pair.record().exitCode == 0)
            try await pair.onSource("insert into item values (1, 'old', 1)")
            try await pair.onSource(
                """
                begin;
                insert into item values (2, 'within', 1);
                alter table item add more text default 'more';
                insert into item values (3, 'within', 1, 'given');
                commit
                """)
            try await pair.onSource("create table later (id int primary key)")
            #expect(try await pair.record().exitCode == 0)
            try await pair.onSource("insert into later values (7)")

            let outcome = try await pair.record()

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            let recorded = try RecordedTables(pair.archive)
            #expect(recorded.sorted("later") == [["7"]])
            #expect(recorded.rows["item"]?["3"] == ["3", "within", "1", "given"])
            var catalogs: [ArchivedCatalog] = []
            var reader = try ArchiveReader(ArchiveFolder(pair.archive))
            let decoder = BatchDecoder()
            while let item = try reader.next() {
                switch item {
                case .segment(let header): catalogs.append(header.description.catalog)
                case .frame(let frame) where frame.header.kind == .catalog:
                    catalogs.append(try decoder.catalog(of: frame))
                case .frame: break
                }
            }
            let last = try #require(catalogs.last)
            #expect(Set(last.tables.map(\.name)) == ["item", "journal", "later"])
            #expect(last.tables.first { $0.name == "item" }?.columns.map(\.name).last == "more")
        }
    }

    @Test(
        "a recorder that is killed again and again under load loses nothing, and nothing is twice")
    func killed() async throws {
        try await Pair.with(schema: RecordTests.schema) { pair in
            #expect(
                try await pair.record("--with-base", "--no-schema").exitCode == 0)
            let isOver = Mutex(false)
            let load = Task {
                var round = 0
                while !isOver.withLock({ $0 }) {
                    round += 1
                    try await pair.onSource(
                        """
                        insert into item values (\(round % 50), 'new') on conflict (id) do update
                          set v = item.v + 1, note = 'again';
                        insert into journal (note) select repeat('j', 50) || i
                          from generate_series(1, \(round % 90 + 1)) i;
                        update item set v = v + 1 where id = \(round / 2)
                        """)
                }
            }
            for kill in 0..<5 {
                let leat = try LeatProcess(pair.recording + ["--segment-size", "1kB"])
                try await leat.waitForOutput(containing: "recording")
                try await pair.source.waitUntil(
                    sql: """
                        select confirmed_flush_lsn > '\(try await pair.confirmed())'
                        from pg_replication_slots where slot_name = '\(pair.objectName)'
                        """)
                if kill.isMultiple(of: 2) {
                    try await leat.kill()
                } else {
                    #expect(try await leat.terminate() == 0)
                }
            }
            isOver.withLock { $0 = true }
            try await load.value
            let outcome = try await pair.record("--segment-size", "1kB")

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            let recorded = try RecordedTables(pair.archive, fromBase: true)
            #expect(try await recorded.sorted("item") == pair.rows("item"))
            #expect(try await recorded.sorted("journal") == pair.rows("journal"))
            #expect(try ArchiveFolder(pair.archive).segments().count > 2)
        }
    }

    @Test(
        "killed at a step, the next start goes on",
        arguments: [
            "record-creating", "slot-created", "archive-begun", "base-table-copied",
            "base-finished", "archive-appended:2", "archive-synchronised", "archive-segment-made",
            "archive-position-written", "archive-position-written:3", "stored-not-confirmed:2",
        ])
    func failPoints(_ point: String) async throws {
        try await Pair.with(
            schema: RecordTests.schema, rows: "insert into item values (1, 'there before')"
        ) { pair in
            let options = [
                "--with-base", "--no-schema", "--segment-size", "1kB", "--status-interval", "100ms",
            ]
            let leat = try LeatProcess(
                pair.recording + options, environment: ["LEAT_FAILPOINT": point])
            let load = Task {
                for round in 0..<2000 where leat.exit == nil {
                    try await pair.onSource(
                        """
                        insert into journal (note) select md5(i::text) || '\(round)'
                        from generate_series(1, 50) i
                        """)
                }
            }
            #expect(try await leat.waitForExit() == 137, "\(leat.log)")
            try await load.value
            let outcome = try await pair.leat(pair.recording + options + ["--endpos", "now"])

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            let recorded = try RecordedTables(pair.archive, fromBase: true)
            #expect(try await recorded.sorted("item") == pair.rows("item"))
            #expect(try await recorded.sorted("journal") == pair.rows("journal"))
            let slots = try await pair.sourceValue(
                """
                select count(*) from pg_replication_slots
                where database = current_database() and not temporary
                """)
            #expect(slots == "1")
        }
    }

    @Test(
        "a slot that is taken over stays, whatever step the recorder is killed at",
        arguments: ["record-creating", "archive-begun"])
    func takesOver(_ point: String) async throws {
        try await Pair.with(schema: RecordTests.schema) { pair in
            try await pair.onSource("create publication mine for all tables")
            try await pair.onSource(
                "select pg_create_logical_replication_slot('mine_\(pair.stream)', 'pgoutput')")
            // Only the slot of then still has it.
            try await pair.onSource("insert into item values (1, 'before')")
            let options = [
                "--slot", "mine_\(pair.stream)", "--publication", "mine", "--endpos", "now",
            ]
            let killed = try await pair.leat(
                pair.recording + options, environment: ["LEAT_FAILPOINT": point])
            #expect(killed.exitCode == 137, "\(killed.log)")

            let outcome = try await pair.leat(pair.recording + options)

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(try RecordedTables(pair.archive).sorted("item") == [["1", "before", "0"]])
            #expect(try await pair.leat(pair.recording + options).exitCode == 0)
        }
    }

    @Test("a partition that is attached with rows is told, and noted until there is a new base")
    func partitions() async throws {
        try await Pair.with(
            schema: """
                create table p (region text, id int, primary key (region, id))
                  partition by list (region);
                create table p_eu partition of p for values in ('eu');
                """, rows: "insert into p values ('eu', 1)"
        ) { pair in
            let options = ["--with-base", "--no-schema"]
            let running = try LeatProcess(pair.recording + options)
            try await running.waitForOutput(containing: "recording")
            try await pair.onSource(
                """
                create table loose (region text, id int, primary key (region, id));
                insert into loose values ('us', 1), ('us', 2);
                alter table p attach partition loose for values in ('us');
                """)
            try await running.waitForOutput(containing: "partition=public.loose")
            #expect(try await running.terminate() == 0)
            // Also what happens while nobody records.
            try await pair.onSource("alter table p detach partition p_eu; drop table p_eu")
            let again = try await pair.record()
            #expect(again.log.contains("partition=public.p_eu"), "\(again.log)")
            let info = try await pair.leat(["archive", "info", pair.archive])
            #expect(info.output.contains("public.loose: attached, public.p_eu: dropped"))

            let based = try await pair.record("--new-base", "--no-schema")

            #expect(based.exitCode == 0 && !based.log.contains("partition="), "\(based.log)")
            let after = try await pair.leat(["archive", "info", pair.archive])
            #expect(!after.output.contains("partitions"), "\(after.output)")
            #expect(try RecordedTables(pair.archive, fromBase: true).rows["p"]?.count == 1)
        }
    }

    @Test("a disk that is full ends it with exit code 9; with room again it goes on")
    func fullDisk() async throws {
        try await Pair.with(schema: RecordTests.schema) { pair in
            #expect(try await pair.record("--with-base", "--no-schema").exitCode == 0)
            let leat = try LeatProcess(pair.recording)
            try await leat.waitForOutput(containing: "recording")
            // No file may become longer: what a full disk does, without filling one.
            let limit = try ChildProcess(
                "/usr/bin/prlimit", arguments: ["--pid", "\(leat.processID)", "--fsize=300000"])
            #expect(try await limit.wait(timeout: .seconds(10)) == .code(0))
            try await pair.onSource(
                """
                insert into journal (note) select md5(i::text) || md5((-i)::text)
                from generate_series(1, 20000) i
                """)

            let code = try await leat.waitForExit()

            #expect(code == 9, "\(leat.log)")
            #expect(leat.log.contains("The archive cannot be written"))
            let outcome = try await pair.record()
            #expect(outcome.exitCode == 0, "\(outcome.log)")
            let recorded = try RecordedTables(pair.archive, fromBase: true)
            #expect(try await recorded.sorted("journal") == pair.rows("journal"))
        }
    }

    @Test("wrong starts are refused, and nothing is touched")
    func refusals() async throws {
        try await Pair.with(schema: RecordTests.schema) { pair in
            #expect(try await pair.record().exitCode == 0)
            let running = try LeatProcess(pair.recording)
            try await running.waitForOutput(containing: "recording")

            #expect(try await pair.record().exitCode == 4)
            #expect(try await running.terminate() == 0)
            let other = try await pair.record(
                "--stream", "other_\(pair.stream)", "--state-dir", pair.stateDirectory + "-other")
            #expect(other.exitCode == 2 && other.log.contains("is of stream"), "\(other.log)")
            let file = pair.archive + "/stream.json"
            try FileManager.default.moveItem(atPath: file, toPath: file + ".away")
            let missing = try await pair.record()
            #expect(missing.exitCode == 2 && missing.log.contains("stream.json"), "\(missing.log)")
            try FileManager.default.moveItem(atPath: file + ".away", toPath: file)

            // A slot that was read by somebody else is ahead of the archive.
            try await pair.onSource("insert into item values (1)")
            try await pair.onSource(
                """
                select pg_replication_slot_advance('\(pair.objectName)', pg_current_wal_lsn())
                """)
            let ahead = try await pair.record()
            #expect(ahead.exitCode == 8, "\(ahead.log)")
            try await pair.dropSlot()
            let gone = try await pair.record()
            #expect(gone.exitCode == 8 && gone.log.contains("another archive"), "\(gone.log)")
        }
    }

    @Test("a new base at any time; the oldest segments and bases go, but not past a reader")
    func basesAndRetention() async throws {
        try await Pair.with(schema: RecordTests.schema) { pair in
            let small = ["--no-schema", "--segment-size", "1kB"]
            let folder = ArchiveFolder(pair.archive)
            let first = try await pair.leat(
                pair.recording + ["--endpos", "now", "--with-base"] + small)
            #expect(first.exitCode == 0, "\(first.log)")
            for round in 0..<5 {
                try await pair.onSource(
                    """
                    insert into journal (note) select md5(i::text) from generate_series(1, 200) i;
                    insert into item values (\(round))
                    """)
                #expect(
                    try await pair.leat(pair.recording + ["--endpos", "now"] + small).exitCode == 0)
            }
            let second = try await pair.leat(
                pair.recording + ["--endpos", "now", "--new-base"] + small)
            #expect(second.exitCode == 0, "\(second.log)")
            #expect(try folder.bases().count == 2)
            try await pair.onSource("update item set v = 7")
            let reader = try #require(try folder.bases().first).lsn
            try ArchiveReaders(pair.archive).register("staging", at: reader)

            let held = try LeatProcess(pair.recording + small + ["--keep-size", "1kB"])
            try await held.waitForOutput(containing: "a reader still needs what would go")
            #expect(try await held.terminate() == 0)
            #expect(try folder.bases().count == 2)
            let leat = try LeatProcess(
                pair.recording + small + ["--keep-size", "1kB", "--ignore-readers"])
            try await leat.waitForOutput(containing: "segments removed")
            #expect(try await leat.terminate() == 0)

            #expect(try folder.segments().count <= 2)
            #expect(try folder.bases().count <= 1)
        }
    }

    @Test("a slot that keeps much WAL is warned of")
    func retainedWAL() async throws {
        try await Pair.with(schema: RecordTests.schema) { pair in
            let leat = try LeatProcess(pair.recording + ["--max-retained-wal", "1B"])
            try await leat.waitForOutput(containing: "the slot keeps much WAL")
            #expect(try await leat.terminate() == 0)
        }
    }
}

extension Pair {
    fileprivate func confirmed() async throws -> String {
        try await sourceValue(
            """
            select confirmed_flush_lsn from pg_replication_slots
            where slot_name = '\(objectName)'
            """) ?? "0/0"
    }
}
