import Foundation
import LeatTestSupport
import Testing

@Suite("Replaying an archive")
struct ReplayTests {
    @Test("recorded with kills, every target becomes the source as of any moment, from one archive")
    func replays() async throws {
        try await Staging.with(schema: Mixed.schema, onTarget: false, rows: Mixed.rows) { staging in
            let pair = staging.pair
            try await staging.record("--with-base")
            // Something between the base and the middle, with the recorder killed again and again.
            for round in 1...3 {
                let recorder = try staging.startRecording()
                try await pair.source.run(script: Mixed.load(round), database: pair.database)
                try await recorder.kill()
            }
            let (middle, then) = (try await staging.now(), try await staging.sourceHash())
            let clock = try await pair.sourceValue(
                "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')")
            for round in 4...5 {
                try await pair.source.run(script: Mixed.load(round), database: pair.database)
            }
            try await staging.record()
            let end = try await staging.sourceHash()

            // Two targets at the same time, one to an LSN, one to a time.
            let other = "\(pair.database)_other"
            try await pair.target.createDatabase(other)
            defer { Task { [pair] in _ = try? await pair.target.sql("drop database \(other)") } }
            async let first = staging.replay("--schema", "--until", middle)
            async let second = staging.replay(
                "--schema", "--until", clock ?? "", "--copy-jobs", "3", into: other)
            _ = try await (first, second)
            #expect(try await staging.targetHash() == then)
            #expect(try await staging.targetHash(other) == then)

            // On from there; beyond it there is no going back without --rewind.
            try await staging.replay()
            #expect(try await staging.targetHash() == end)
            let next = try await pair.targetValue("select nextval('journal_n_seq')")
            let last = try await pair.sourceValue("select max(n) + 1 from journal")
            #expect(next == last)
            let refused = try await staging.replay("--until", middle, exitCode: 2)
            #expect(refused.log.contains("--rewind"))
            try await staging.replay("--rewind", exitCode: 64)
            #expect(try await staging.targetHash() == end)
            try await staging.replay("--rewind", "--yes", "--until", middle)
            #expect(try await staging.targetHash() == then)

            // Retention knows of both, and of what each needs.
            let listing = try await staging.inspect("list")
            #expect(listing.output.components(separatedBy: "reader \(pair.stream)").count == 3)
            let whole = try await staging.inspect("verify")
            #expect(whole.output.hasSuffix("whole\n"))
        }
    }

    @Test("killed anywhere, the next start loses nothing and applies nothing twice")
    func resumes() async throws {
        try await Staging.with(schema: Mixed.schema, rows: Mixed.rows) { staging in
            try await staging.record("--with-base")
            for round in 1...2 {
                try await staging.pair.source.run(
                    script: Mixed.load(round), database: staging.pair.database)
            }
            try await staging.record()
            let end = try await staging.sourceHash()

            for failPoint in [
                "replay-begun", "table-half-copied", "table-copied:2", "batch-sent",
                "commit-sent", "stored-not-confirmed",
            ] {
                try await staging.replay("--rewind", "--yes", exitCode: 137, failPoint: failPoint)
                try await staging.replay()
                #expect(try await staging.targetHash() == end, "\(failPoint)")
            }
            for failPoint in ["rewind-begun", "rewind-emptied"] {
                try await staging.replay("--rewind", "--yes", exitCode: 137, failPoint: failPoint)
                // The rows of before are not taken for an empty table's.
                if failPoint == "rewind-begun" {
                    let refused = try await staging.replay(exitCode: 6)
                    #expect(refused.log.contains("Not empty"))
                }
                try await staging.replay("--rewind", "--yes")
                #expect(try await staging.targetHash() == end, "\(failPoint)")
            }
        }
    }

    @Test("streamed, large, empty and rolled-back transactions, messages and DDL are replayed")
    func replaysAll() async throws {
        try await Staging.with(schema: Mixed.schema, rows: Mixed.rows) { staging in
            let pair = staging.pair
            try await pair.source.sql(
                "alter database \(pair.database) set logical_decoding_work_mem = '64kB'")
            try await staging.record("--with-base")
            try await pair.source.run(
                script: """
                    begin;
                    insert into journal (note) select 'large ' || i from generate_series(1, 60000) i;
                    savepoint s;
                    insert into journal (note) select 'gone' from generate_series(1, 5000) i;
                    rollback to s;
                    update whole set v = v + 1;
                    commit;
                    begin; insert into keyed values (77777, 1, 'gone'); rollback;
                    select pg_logical_emit_message(true, 'leat', 'in a transaction');
                    select pg_logical_emit_message(false, 'leat', 'outside');
                    truncate whole;
                    insert into whole select i, i from generate_series(1, 50) i;
                    alter table keyed add extra int default 7;
                    update keyed set extra = id where id < 50;
                    alter type mood add value 'mad';
                    update pairs set m = 'mad' where a < 5;
                    create table late (id int primary key, note text);
                    """, database: pair.database)
            try await staging.record()
            try await pair.onSource(
                "insert into late select i, 'late' from generate_series(1, 20) i")
            try await staging.record()

            // Each stop says what to run, and the next start goes on from there.
            let stops = try await staging.replayMending(
                missing: ["public.late": "create table late (id int primary key, note text)"])
            #expect(stops >= 2)
            #expect(try await staging.targetHash() == staging.sourceHash())
            let messages = try await staging.inspect("export").output
            #expect(messages.contains("\"prefix\":\"leat\",\"content\":\"in a transaction\""))
            #expect(messages.contains("\"prefix\":\"leat\",\"content\":\"outside\""))
        }
    }

    @Test("follows what is being recorded, pauses where it is told, and keeps the commits' spacing")
    func follows() async throws {
        try await Staging.with(schema: Mixed.schema, rows: Mixed.rows) { staging in
            let pair = staging.pair
            let recorder = try staging.startRecording("--with-base")
            try await recorder.waitForOutput(containing: "recording")
            try await pair.onSource("insert into keyed values (100001, 1, 'before')")
            let pause = try await staging.now()
            try await pair.onSource("insert into keyed values (100002, 1, 'behind')")

            let replay = try staging.startReplay("--follow", "--pause-at", pause, "--speed", "20")
            try await replay.waitForOutput(containing: "paused")
            let held = try await pair.targetValue("select max(id) from keyed")
            #expect(held == "100001")
            replay.signal(SIGUSR1)
            try await pair.target.waitUntil(
                sql: "select max(id) = 100002 from keyed", database: pair.database)
            try await pair.onSource("insert into keyed values (100003, 1, 'later')")
            try await pair.target.waitUntil(
                sql: "select max(id) = 100003 from keyed", database: pair.database)

            #expect(try await replay.terminate() == 0)
            #expect(try await recorder.terminate() == 0)
            #expect(try await staging.targetHash() == staging.sourceHash())

            // Two seconds between two commits, four times as fast.
            try await pair.onSource("select pg_sleep(2)")
            try await pair.onSource("insert into keyed values (100004, 1, 'spaced')")
            try await pair.onSource("select pg_sleep(2)")
            try await pair.onSource("insert into keyed values (100005, 1, 'spaced')")
            try await staging.record()
            let began = ContinuousClock.now
            try await staging.replay("--speed", "4")
            #expect(ContinuousClock.now - began > .milliseconds(450))
            #expect(try await staging.targetHash() == staging.sourceHash())
        }
    }

    @Test("a wrong start is refused, and nothing is changed")
    func refuses() async throws {
        try await Staging.with(schema: Mixed.schema, rows: Mixed.rows) { staging in
            let pair = staging.pair
            let nothing = try await staging.replay(exitCode: 2)
            #expect(nothing.log.contains("There is no archive"))
            try await staging.record()
            let noBase = try await staging.replay(exitCode: 6)
            #expect(noBase.log.contains("--with-base"))
            let itself = try await pair.leat(
                [
                    "replay", "--archive", staging.archive, "--no-copy", "--target",
                    pair.source.conninfo(database: pair.database),
                ])
            #expect(itself.exitCode == 2, "\(itself.log)")
            #expect(try await pair.sourceValue("select to_regnamespace('leat') is null") == "t")
            try await staging.record("--new-base")
            try await staging.replay("--from-base", "0/1", exitCode: 2)
            try await pair.onTarget("insert into keyed values (1, 1, 'mine')")
            try await staging.replay(exitCode: 6)
            try await staging.replay("--truncate", exitCode: 64)
            try await staging.replay("--truncate", "--yes")
            #expect(try await staging.targetHash() == staging.sourceHash())

            // A table that was made again is not mixed with the old one.
            try await pair.onSource(
                """
                drop table whole; create table whole (id int primary key, v int);
                """)
            try await staging.record()
            try await pair.onSource("insert into whole values (1, 1)")
            try await staging.record()
            let again = try await staging.replay(exitCode: 7)
            #expect(again.log.contains("made again"), "\(again.log)")
            try await pair.onTarget(
                "drop table whole; create table whole (id int primary key, v int)")
            try await staging.replay()
            #expect(try await staging.targetHash() == staging.sourceHash())
        }
    }

    @Test(
        "a schema whose constraints its own rows violate, killed on the way",
        arguments: PostgresVersion.allCases)
    func unvalidatedSchema(_ version: PostgresVersion) async throws {
        let schema = "create table t (id int primary key, v int)"
        try await Staging.with(
            version, schema: schema, onTarget: false, rows: "insert into t values (1, -1), (2, 2)"
        ) { staging in
            try await staging.pair.onSource(
                """
                alter table t add constraint positive check (v > 0) not valid;
                comment on constraint positive on t is 'since 2020'
                """)
            try await staging.record("--with-base")
            try await staging.pair.onSource("insert into t values (3, 3)")
            try await staging.record()

            try await staging.replay("--schema", exitCode: 137, failPoint: "replay-begun")
            try await staging.replay()

            let constraints = """
                select conname, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint')
                from pg_constraint where contype = 'c'
                """
            #expect(
                try await staging.pair.onTarget(constraints + " and conrelid = 't'::regclass")
                    == staging.pair.onSource(constraints + " and conrelid = 't'::regclass"))
            #expect(try await staging.pair.onTarget("select id from t order by 1").count == 3)
            #expect(
                try await staging.pair.targetValue("select count(*) from leat.pending_schema")
                    == "0")
        }
    }

    /// Lines of texts that look like pg_dump's own or like psql's commands, each before a text that
    /// would be run if the line, and a quote in it, were left out.
    @Test(
        "a schema whose texts look like commands runs none of them",
        arguments: PostgresVersion.allCases)
    func hostileSchema(_ version: PostgresVersion) async throws {
        let lines = [
            "\\connect x", "\\restrict x", "\\unrestrict x", "SET transaction_timeout = 0;", "--",
            "-- Name: t; Type: TABLE", "",
        ]
        let texts = lines.flatMap { line in
            ["text\n\(line)", "text\n\(line)'", "text\n\(line)\n", "text\n--\n\(line)\n--"]
        }
        let columns = texts.indices.map { "a\($0) int, b\($0) int" }.joined(separator: ", ")
        try await Staging.with(
            version, schema: "create table t (id int primary key, \(columns))", onTarget: false,
            rows: "insert into t values (1, -1)"
        ) { staging in
            let role = "evil_\(staging.pair.database)"
            let payload = "; create role \(role) superuser; --"
            for (index, text) in texts.enumerated() {
                let literal = "'" + text.replacing("'", with: "''") + "'"
                try await staging.pair.onSource(
                    """
                    alter table t add constraint c\(index) check (a\(index) > 0) not valid;
                    comment on constraint c\(index) on t is \(literal);
                    comment on column t.a\(index) is \(literal);
                    comment on column t.b\(index) is '\(payload)'
                    """)
            }
            let comments = """
                select coalesce(c.conname, 'column'), d.objsubid, d.description
                from pg_description d left join pg_constraint c
                  on c.oid = d.objoid and d.classoid = 'pg_constraint'::regclass
                where d.objoid = 't'::regclass or c.conrelid = 't'::regclass order by 1, 2
                """
            try await staging.record("--with-base")

            try await staging.replay("--schema")

            let roles = try await staging.pair.onTarget(
                "select from pg_roles where rolname = '\(role)'")
            #expect(roles.isEmpty)
            let described = try await staging.pair.onTarget(comments)
            #expect(described.count == 3 * texts.count)
            #expect(try await staging.pair.onSource(comments) == described)
        }
    }
}
