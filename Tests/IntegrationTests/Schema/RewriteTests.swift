import LeatTestSupport
import Testing

/// What changes rows of the source and is never sent: noticed while the stream flows and when it was
/// down, and mended by a copy, or by the statement where one will do.
@Suite("Rows that change without being sent")
struct RewriteTests {
    struct Rewrite: Sendable, CustomTestStringConvertible {
        var name: String
        var sql: [String]
        /// In the log of the stop.
        var words: String
        var publication: String?
        /// Whether the statements that are printed mend it, too.
        var hasStatements = false

        var testDescription: String { name }
    }

    static let schema = """
        create schema s;
        create table s.t (id int primary key, v text, n int, f float8, d timestamp,
          z timestamptz, p int not null default 7);
        create table other (id int primary key);
        create table s.r (id int primary key, v text) partition by range (id);
        create table s.r_1 partition of s.r for values from (0) to (100);
        create table s.r_2 partition of s.r for values from (100) to (200);
        create table s.r_3 partition of s.r for values from (200) to (300);
        create table s.e (id int primary key);
        """
    static let rows = """
        insert into s.t select i, 'value ' || i, i, i + 0.25, '2026-01-01 12:34:56.7',
          '2026-01-01 12:34:56.7+00' from generate_series(1, 9) i;
        insert into s.r select i, 'r' from generate_series(1, 150) i;
        """

    static let rewrites = [
        Rewrite(
            name: "a column is dropped and made again",
            sql: ["alter table s.t drop v, add v text"],
            words: "column v was dropped and made again"),
        Rewrite(
            name: "a column is dropped and made again with a default, by two statements",
            sql: ["alter table s.t drop v", "alter table s.t add v text default 'new'"],
            words: "column v was dropped and made again"),
        Rewrite(
            name: "a default is dropped again, and the table rewritten",
            sql: [
                "alter table s.t add c text not null default 'filled'",
                "alter table s.t alter c drop default", "vacuum full s.t",
            ], words: "the table must be copied anew"),
        Rewrite(
            name: "a column that may be NULL is filled by its default, and the table rewritten",
            sql: [
                "alter table s.r add c int default 5", "alter table s.r alter c drop default",
                "vacuum full s.r",
            ], words: "the table must be copied anew"),
        Rewrite(
            name: "an identity column is added",
            sql: ["alter table s.t add c int generated always as identity"],
            words: "the table must be copied anew"),
        Rewrite(
            name: "a serial column is added", sql: ["alter table s.t add c serial"],
            words: "the table must be copied anew"),
        Rewrite(
            name: "values are changed under the same type",
            sql: ["alter table s.t alter v type text using upper(v)"],
            words: "column v was rewritten"),
        Rewrite(
            name: "values of a key are changed under the same type",
            sql: ["alter table s.r alter v type text using v || id"],
            words: "column v was rewritten"),
        Rewrite(
            name: "numbers are changed under the same type",
            sql: ["alter table s.t alter p type int using p + 100"],
            words: "column p was rewritten"),
        Rewrite(
            name: "a time becomes a date", sql: ["alter table s.t alter d type date"],
            words: "by an ALTER that rewrote", hasStatements: true),
        Rewrite(
            name: "a time loses its fractions",
            sql: ["alter table s.t alter z type timestamptz(0)"],
            words: "by an ALTER that rewrote", hasStatements: true),
        Rewrite(
            name: "a number loses its fraction", sql: ["alter table s.t alter f type int"],
            words: "by an ALTER that rewrote", hasStatements: true),
        Rewrite(
            name: "a text is cut",
            sql: ["alter table s.t alter v type varchar(5) using left(v, 5)"],
            words: "by an ALTER that rewrote"),
        Rewrite(
            name: "a table of all tables is unlogged for a while",
            sql: [
                "alter table s.t set unlogged", "insert into s.t (id) values (50)",
                "alter table s.t set logged",
            ], words: "SET UNLOGGED", publication: "for all tables"),
        Rewrite(
            name: "a table of all tables is unlogged for a while, and then altered",
            sql: [
                "alter table s.t set unlogged", "insert into s.t (id) values (50)",
                "alter table s.t set logged", "alter table s.t alter v set statistics 7",
            ], words: "column v was rewritten", publication: "for all tables"),
        Rewrite(
            name: "a table of all tables is unlogged for a while, and then written anew",
            sql: [
                "alter table s.t set unlogged", "insert into s.t (id) values (50)",
                "alter table s.t set logged", "vacuum full s.t",
            ], words: "SET UNLOGGED", publication: "for all tables"),
        Rewrite(
            name: "a time loses its fractions, and has its type again",
            sql: [
                "alter table s.t alter z type timestamptz(0)",
                "alter table s.t alter z type timestamptz",
            ], words: "column z was rewritten"),
        Rewrite(
            name: "a partition is truncated behind its table",
            sql: [
                "truncate s.r", "insert into s.r values (1, 'r'), (101, 'r')", "truncate s.r_2",
                "insert into s.r values (2, 'r')",
            ], words: "SET UNLOGGED"),
        Rewrite(
            name: "a partition is truncated, and has rows again",
            sql: ["truncate s.r_2", "insert into s.r values (199, 'r')"], words: "SET UNLOGGED"),
        Rewrite(
            name: "an empty partition gets rows, and is truncated",
            sql: ["insert into s.r values (250, 'r')", "truncate s.r_3"], words: "SET UNLOGGED"),
        Rewrite(
            name: "an empty partition gets rows, and is unlogged when they go",
            sql: [
                "insert into s.r values (250, 'r')", "alter table s.r_3 set unlogged",
                "delete from s.r where id = 250", "alter table s.r_3 set logged",
            ], words: "SET UNLOGGED"),
        Rewrite(
            name: "an empty table of all tables gets rows, and is unlogged when they go",
            sql: [
                "insert into s.e values (1)", "alter table s.e set unlogged", "truncate s.e",
                "alter table s.e set logged",
            ], words: "SET UNLOGGED", publication: "for all tables"),
        Rewrite(
            name: "a partition is unlogged while its table is truncated",
            sql: [
                "alter table s.r_2 set unlogged",
                "begin; truncate s.r; insert into s.r values (1, 'r'), (101, 'r'); commit",
                "alter table s.r_2 set logged", "insert into s.r values (2, 'r'), (102, 'r')",
            ], words: "SET UNLOGGED"),
        Rewrite(
            name: "a table of all tables is truncated, unlogged, and granted",
            sql: [
                "begin; truncate s.t; insert into s.t (id) values (1); commit",
                "alter table s.t set unlogged; insert into s.t (id) values (2)",
                "alter table s.t set logged; grant select on s.t to public",
            ], words: "SET UNLOGGED", publication: "for all tables"),
        Rewrite(
            name: "a table of all tables is filled unlogged by whoever truncates it",
            sql: [
                """
                begin; truncate s.t; insert into s.t (id) values (1); alter table s.t set unlogged;
                insert into s.t (id) values (2); alter table s.t set logged; commit
                """
            ], words: "SET UNLOGGED", publication: "for all tables"),
        Rewrite(
            name: "one without TOAST is filled unlogged by whoever truncates it",
            sql: [
                """
                begin; truncate s.e; alter table s.e set unlogged; insert into s.e values (1);
                alter table s.e set logged; commit
                """
            ], words: "SET UNLOGGED", publication: "for all tables"),
        Rewrite(
            name: "a partition is unlogged for a while",
            sql: [
                "alter table s.r_2 set unlogged", "delete from s.r where id > 110",
                "alter table s.r_2 set logged",
            ], words: "SET UNLOGGED"),
    ]

    static func publish(_ rewrite: Rewrite, _ pair: Pair) async throws -> [String] {
        guard let publication = rewrite.publication else { return [] }
        try await pair.onSource(
            "create publication pub \(publication) with (publish_via_partition_root = true)")
        return ["--publication", "pub"]
    }

    static func expectSame(_ pair: Pair) async throws {
        for table in ["s.t", "s.r", "s.e", "other"] {
            // Columns by their names; a date of the source may still be a time on the target.
            let sql = """
                select md5(string_agg((to_jsonb(t) || jsonb_build_object(
                  'd', left(to_jsonb(t) ->> 'd', 10)))::text, ';' order by t.id)), count(*)
                from \(table) t
                """
            let (left, right) = (try await pair.onSource(sql), try await pair.onTarget(sql))
            #expect(left == right, "\(table)")
        }
    }

    /// New columns, which the target has to have before anything can be copied into them.
    private func prepareTarget(_ rewrite: Rewrite, _ pair: Pair) async throws {
        for statement in rewrite.sql where statement.contains(" add c ") {
            let plain = statement.contains("text") ? "text" : "int"
            let table = statement.contains("s.r ") ? "s.r" : "s.t"
            try await pair.onTarget("alter table \(table) add c \(plain)")
        }
    }

    @Test(
        "stop a stream that was down, and are copied anew; nothing else is", arguments: rewrites)
    func whileDown(_ rewrite: Rewrite) async throws {
        let versions = Pair.Versions(.v18, .v15)
        try await Pair.with(versions, schema: Self.schema, rows: Self.rows) { pair in
            let options = try await Self.publish(rewrite, pair)
            try await pair.catchUp(options: options)
            try await pair.onSource("update s.t set n = n + 1; insert into other values (1)")
            for statement in rewrite.sql { try await pair.onSource(statement) }

            let stopped = try await pair.leat(
                ["sync"] + pair.places + ["--status-interval", "200ms", "--endpos", "now"] + options
            )

            #expect(stopped.exitCode == 7, "\(stopped.log)")
            #expect(stopped.log.contains(rewrite.words), "\(stopped.log)")
            #expect(stopped.log.contains("--on-rewrite copy"), "\(stopped.log)")
            if rewrite.hasStatements {
                try await pair.mend(stopped.log)
                try await pair.catchUp(options: options)
            } else {
                try await prepareTarget(rewrite, pair)
                try await pair.catchUp(options: options + ["--on-rewrite", "copy"])
            }
            try await Self.expectSame(pair)
            let copied = try await pair.targetValue(
                "select count(*) from leat.tables where is_refilled or state <> 'ready'")
            #expect(copied == "0")
        }
    }

    @Test(
        "end in a copy beside a stream that goes on, where that was asked for",
        arguments: rewrites.filter { !$0.sql.joined().contains("drop default") })
    func whileStreaming(_ rewrite: Rewrite) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let options = try await Self.publish(rewrite, pair)
            let leat = try LeatProcess(
                ["sync"] + pair.places + ["--status-interval", "200ms", "--on-rewrite", "copy"]
                    + options)
            try await pair.waitForStream(leat)
            try await prepareTarget(rewrite, pair)

            for statement in rewrite.sql { try await pair.onSource(statement) }
            try await pair.onSource(
                "insert into other values (1); update s.t set n = n + 1 where id < 4")
            try await leat.waitForOutput(containing: "table is copied anew")
            try await waitUntil("the copy has ended and the stream goes on") {
                leat.log.split(separator: "table is copied anew").last?
                    .contains("streaming position=") ?? false
            }
            try await pair.waitUntilApplied()

            try await Self.expectSame(pair)
            #expect(try await leat.terminate() == 0, "\(leat.log)")
        }
    }

    @Test(
        "are the reason told where a later change of them misses its row",
        arguments: [false, true],
        [
            [
                "alter table s.r_2 set unlogged", "insert into s.r values (190, 'not sent')",
                "alter table s.r_2 set logged", "update s.r set v = 'later' where id = 190",
            ],
            [
                "alter table s.t alter id type int using id + 100",
                "update s.t set n = 0 where id = 101", "truncate s.t",
            ],
            [
                "truncate s.r", "insert into s.r values (101, 'r'), (102, 'r')",
                "truncate s.r_2", "insert into s.r values (101, 'again')", "truncate s.r",
            ],
        ])
    func missed(isRunning: Bool, _ statements: [String]) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            let leat = isRunning ? try LeatProcess(["sync"] + pair.places) : nil
            if let leat { try await pair.waitForStream(leat) }
            for statement in statements { try await pair.onSource(statement) }

            let log =
                if let leat {
                    try await leat.waitForExit() == 7 ? leat.log : "another end"
                } else {
                    try await pair.sync("--endpos", "now").log
                }
            #expect(log.contains("--on-rewrite copy"), "\(log)")
            try await pair.catchUp("--on-rewrite", "copy")
            try await Self.expectSame(pair)
        }
    }

    @Test("are found by the next start of a stream that a kill has ended before it looked")
    func killed() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let leat = try LeatProcess(["sync"] + pair.places)
            try await pair.waitForStream(leat)
            try await pair.onSource("alter table s.t alter v type text using upper(v)")
            try await pair.onSource("update s.t set n = n + 1")
            try await pair.waitUntilApplied()
            try await leat.kill()

            let stopped = try await pair.sync("--endpos", "now")

            #expect(stopped.exitCode == 7, "\(stopped.log)")
            let copied = try await pair.sync("--endpos", "now", "--on-rewrite", "copy")
            #expect(copied.exitCode == 0, "\(copied.log)")
            try await Self.expectSame(pair)
        }
    }

    @Test("are taken for sent if somebody says so, by the statement that is printed")
    func accepted() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource("alter table s.t alter v type text using upper(v)")
            try await pair.onTarget("alter table s.t alter v type text using upper(v)")

            let stopped = try await pair.sync("--endpos", "now")

            #expect(stopped.exitCode == 7, "\(stopped.log)")
            let statement = stopped.log.split(separator: "\n").first {
                $0.hasPrefix("update leat.tables")
            }
            try await pair.onTarget(String(statement ?? "select 1 / 0"))
            try await pair.catchUp()
            try await Self.expectSame(pair)
        }
    }

    @Test(
        "are not suspected where nothing has changed",
        arguments: [
            "vacuum full s.t", "cluster s.t using t_pkey", "truncate s.t", "truncate s.r",
            "begin; truncate s.t; insert into s.t (id) select generate_series(1, 99); commit",
            "vacuum full", "alter table s.t alter v set statistics 7; vacuum full s.t",
            "insert into s.r values (199, 'r'); vacuum full",
            "alter table s.t alter v set not null, add check (n > 0), alter v set default 'x'",
            "alter table s.t add c int; alter table s.t drop c",
            "truncate s.t; insert into s.t (id) values (1); grant select on s.t to public",
            """
            begin; savepoint a; truncate s.t, s.r; insert into s.t (id) values (1);
            insert into s.r values (1, 'r'), (101, 'r'); release a; commit
            """,
        ])
    func harmless(_ statement: String) async throws {
        let rows = Self.rows + "insert into other values (0);"
        try await Pair.with(schema: Self.schema, rows: rows) { pair in
            try await pair.onSource(
                "create publication pub for all tables with (publish_via_partition_root = true)")
            try await pair.catchUp("--publication", "pub")
            let leat = try pair.start("--publication", "pub")
            try await pair.waitForStream(leat)
            for part in statement.split(separator: ";") where !statement.hasPrefix("begin") {
                try await pair.onSource(String(part))
            }
            if statement.hasPrefix("begin") { try await pair.onSource(statement) }
            try await pair.onSource("insert into other values (1)")
            try await pair.waitUntilApplied()
            #expect(try await leat.terminate() == 0, "\(leat.log)")

            try await pair.catchUp("--publication", "pub")
            try await Self.expectSame(pair)
        }
    }

    @Test(
        "are not suspected where truncates follow upon each other, or a kill comes between",
        arguments: [false, true])
    func truncated(isKilled: Bool) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("create publication pub for all tables")
            try await pair.catchUp("--publication", "pub")
            let interval = isKilled ? "1min" : "100ms"
            let leat = try LeatProcess(
                ["sync"] + pair.places + ["--publication", "pub", "--status-interval", interval])
            try await pair.waitForStream(leat)
            // Three looks, a second apart, with many truncates between and at each.
            try await pair.onSource(
                """
                do $$ declare ending timestamptz := clock_timestamp() + interval '3.5 s'; begin
                  while clock_timestamp() < ending loop
                    truncate s.t; commit;
                    insert into s.t (id) values (1); truncate s.t, s.r_2;
                    begin insert into s.t (id) values (2); exception when unique_violation then end;
                    commit;
                    exit when \(isKilled);
                  end loop;
                end $$
                """)
            try await pair.waitUntilApplied()
            if isKilled {
                try await leat.kill()
            } else {
                #expect(try await leat.terminate() == 0, "\(leat.log)")
            }

            try await pair.catchUp("--publication", "pub")

            try await Self.expectSame(pair)
            #expect(try await pair.targetValue("select count(*) from leat.truncates") == "0")
        }
    }

    /// Nothing tells a savepoint from whoever came later.
    @Test(
        "without TOAST, a truncate in a savepoint is told, and so is what may have hidden behind it"
    )
    func truncatedWithoutTOAST() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("create publication pub for all tables")
            try await pair.catchUp("--publication", "pub")
            try await pair.onSource(
                """
                begin; savepoint a; truncate s.e; insert into s.e values (1); release a; commit
                """)

            let outcome = try await pair.sync("--endpos", "now", "--publication", "pub")

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(outcome.log.contains("it was truncated on the source"), "\(outcome.log)")
            #expect(outcome.log.contains("table=s.e"), "\(outcome.log)")
            try await Self.expectSame(pair)
        }
    }

    @Test("a table that is dropped after its last changes takes part in their transactions")
    func dropped() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource(
                "begin; update s.t set n = -1; insert into other values (7); commit")
            try await pair.onSource("drop table s.t")

            let outcome = try await pair.sync("--endpos", "now")

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(outcome.log.contains("table was dropped on the source"), "\(outcome.log)")
            let rows = try await pair.onTarget(
                "select (select count(*) from s.t where n = -1), (select count(*) from other)")
            #expect(rows == [["9", "1"]])
            let left = try await pair.targetValue(
                "select count(*) from leat.tables where table_name = 't'")
            #expect(left == "0")
        }
    }

    @Test(
        "a column that only the target has dropped and made again is noticed",
        arguments: [false, true])
    func remadeOnTarget(isRunning: Bool) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            let leat = isRunning ? try pair.start() : nil
            if let leat { try await pair.waitForStream(leat) }
            try await pair.onTarget("alter table s.t drop v, add v text")
            try await pair.onSource("update s.t set v = v || '!'")
            let words = "column v was dropped and made again on the target"

            if let leat {
                #expect(try await leat.waitForExit() == 7, "\(leat.log)")
                #expect(leat.log.contains(words), "\(leat.log)")
            }
            let stopped = try await pair.sync("--endpos", "now")

            #expect(stopped.exitCode == 7, "\(stopped.log)")
            #expect(stopped.log.contains(words), "\(stopped.log)")
            try await pair.catchUp("--on-rewrite", "copy")
            try await Self.expectSame(pair)
        }
    }

    @Test(
        "older values of a column that both sides have dropped go nowhere, whoever has its name",
        arguments: [false, true])
    func takesADroppedName(isTriedAgain: Bool) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            let ddl = "alter table s.t drop n; alter table s.t rename p to n"
            let older = "update s.t set n = 77, p = p + 1"
            let newer = "update s.t set n = n * 10 where id < 4"
            try await pair.onTarget(ddl)
            if isTriedAgain {
                // One batch has both descriptions of the table, and its first attempt is refused.
                try await pair.onTarget("insert into s.t (id, v) values (50, 'in the way')")
                try await pair.onSource(
                    "begin; \(older); insert into s.t (id) values (50); \(ddl); \(newer); commit")
            } else {
                for sql in [older, ddl, newer] { try await pair.onSource(sql) }
            }

            try await pair.catchUp("--on-conflict", "insert_exists=apply")

            try await Self.expectSame(pair)
        }
    }

    @Test(
        "a table that is dropped while the catalogs are read: they are read again",
        arguments: [false, true])
    func droppedWhileRead(isRunning: Bool) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource("create schema gate; create table gate.opened ()")
            let running = isRunning ? try pair.start() : nil
            if let running { try await pair.waitForStream(running) }
            let dropping = Task {
                try await pair.onSource(
                    """
                    do $$ begin
                      drop table other;
                      while not exists (select from gate.opened) loop perform pg_sleep(0.02); end loop;
                    end $$
                    """)
            }
            try await pair.source.waitUntil(
                sql: "select exists (\(Self.sessions("wait_event = 'PgSleep'")))",
                database: pair.database)

            // Described anew, it makes a running stream look at all tables.
            try await pair.onSource("alter table s.t add c int default 1; update s.t set n = -1")
            try await pair.onTarget("alter table s.t add c int default 1")
            let leat = try running ?? pair.start("--endpos", "now")
            try await pair.source.waitUntil(
                sql: "select exists (\(Self.sessions("wait_event_type = 'Lock'")))",
                database: pair.database)
            try await pair.onSource("insert into gate.opened default values")
            _ = try await dropping.value

            if isRunning { try await pair.waitUntilApplied() }
            let code = isRunning ? try await leat.terminate() : try await leat.waitForExit()
            #expect(code == 0, "\(leat.log)")
            #expect(leat.log.contains("[XX000]. Trying again."), "\(leat.log)")
            #expect(try await pair.targetValue("select count(*) from s.t where n = -1") == "9")
        }
    }

    private static func sessions(_ condition: String) -> String {
        "select from pg_stat_activity where datname = current_database() and \(condition)"
    }

    @Test(
        "beside a table that was made again: each command that is printed keeps what both need",
        arguments: [[], ["--truncate", "--yes"]])
    func besideRemadeTable(options: [String]) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("insert into other values (1)")
            try await pair.catchUp()
            try await pair.onSource("drop table other; create table other (id int primary key)")
            try await pair.onSource("alter table s.t alter v type text using upper(v)")
            var outcome = try await pair.leat(["sync", "--endpos", "now"] + pair.places + options)
            var codes = [outcome.exitCode]

            while outcome.exitCode != 0, codes.count < 4 {
                outcome = try await pair.runPrinted(
                    "leat sync", in: outcome.log, "--endpos", "now", "--yes")
                codes.append(outcome.exitCode)
            }

            #expect(codes == (options.isEmpty ? [7, 6, 0] : [7, 0]), "\(outcome.log)")
            try await Self.expectSame(pair)
        }
    }

    @Test("values of a column that was made again never go to the old one, whatever else is made")
    func remadeOneByOne() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            for name in ["v", "n", "p"] {
                let type = name == "v" ? "text" : "int"
                try await pair.onSource(
                    """
                    alter table s.t drop \(name), add \(name) \(type);
                    update s.t set \(name) = id where id > 3;
                    insert into s.t (id, \(name)) select max(id) + 1, 7 from s.t
                    """)
            }

            var stopped = try await pair.sync("--endpos", "now")
            #expect(stopped.exitCode == 7, "\(stopped.log)")
            while stopped.exitCode == 7 {
                try await pair.mend(stopped.log)
                stopped = try await pair.sync("--endpos", "now")
            }
            #expect(stopped.exitCode == 0, "\(stopped.log)")
            try await Self.expectSame(pair)
        }
    }

    @Test(
        "older values of a column that both sides have made again go nowhere, beside another type")
    func remadeAhead() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            for statement in [
                "alter table s.t add g int generated always as (p * 8) stored",
                "insert into s.t (id, v) values (20, 'word'), (21, 'word')",
                "alter table s.t alter id type bigint",
                "alter table s.t drop v, add v int default 5",
                "insert into s.t (id, v) values (22, 22)",
            ] { try await pair.onSource(statement) }
            let stopped = try await pair.sync("--endpos", "now")
            #expect(stopped.exitCode == 7, "\(stopped.log)")
            try await pair.mend(stopped.log)
            try await pair.catchUp()
            try await Self.expectSame(pair)
        }
    }

    @Test("the last column was made again, and another renamed behind it: neither loses a value")
    func remadeAndRenamed() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            for sql in [
                "update s.t set p = p + 1", "alter table s.t drop p, add p int",
                "update s.t set p = id where id > 3", "alter table s.t rename n to m",
                "update s.t set p = -1 where id = 9",
            ] { try await pair.onSource(sql) }

            var outcome = try await pair.sync("--endpos", "now")
            #expect(outcome.exitCode == 7, "\(outcome.log)")
            #expect(outcome.log.contains("changes that are still to come may be those of either"))
            for _ in 0..<3 where outcome.exitCode != 0 {
                if outcome.exitCode == 6 { try await pair.mend(outcome.log) }
                outcome = try await pair.sync("--endpos", "now", "--on-rewrite", "copy")
            }
            #expect(outcome.exitCode == 0, "\(outcome.log)")
            try await Self.expectSame(pair)
        }
    }

    @Test("a new column under the name of one that was renamed is added behind the rename")
    func addedUnderOldName() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource(
                """
                alter table s.t rename f to g; alter table s.t add f text;
                update s.t set f = 'new' where id < 5
                """)

            try await pair.expectStopAndMend("column f is called g on the source")

            try await Self.expectSame(pair)
        }
    }

    @Test("columns that were renamed, and nothing since, are owed at the end")
    func renamedLast() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            for rename in ["d to e", "z to d", "e to z"] {
                try await pair.onSource("alter table s.t rename \(rename)")
            }

            try await pair.expectStopAndMend("column d is called z on the source")

            try await Self.expectSame(pair)
        }
    }

    @Test("a table that is copied anew for its publication is compared by its names of now")
    func copiedForPublication() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource(
                """
                create publication pub for table s.t, s.r, other
                with (publish_via_partition_root = true)
                """)
            try await pair.catchUp("--publication", "pub")
            try await pair.onSource(
                """
                alter publication pub drop table s.t; alter publication pub add table s.t;
                alter table s.t rename d to e; alter table s.t rename n to d;
                alter table s.t rename e to n;
                """)

            let options = ["--publication", "pub", "--truncate", "--yes"]
            let refused = try await pair.expectRefusal(
                6, "column n is called d on the source", options: options)
            try await pair.mend(refused.log)
            try await pair.catchUp(options: options)
            try await Self.expectSame(pair)
        }
    }

    @Test(
        "a table that was unlogged before it got another type is told, or copied if that was asked for",
        arguments: [false, true])
    func hiddenUnlogged(isCopied: Bool) async throws {
        let ddl = "alter table s.t alter f type numeric"
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("create publication pub for all tables")
            let options = ["--publication", "pub"]
            try await pair.catchUp(options: options)
            for sql in ["set unlogged", "set logged"] {
                try await pair.onSource("alter table s.t \(sql); update s.t set n = n + 1")
            }
            try await pair.both(ddl)

            let outcome = try await pair.leat(
                ["sync", "--endpos", "now"] + pair.places + options
                    + (isCopied ? ["--on-rewrite", "copy"] : []))

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            let words = "whether it was unlogged for a while before that"
            #expect(outcome.log.contains(words), "\(outcome.log)")
            #expect(outcome.log.contains("table=s.t"), "\(outcome.log)")
            if isCopied {
                let sum = "select sum(n) from s.t"
                #expect(try await pair.targetValue(sum) == pair.sourceValue(sum))
            }
        }
    }

    @Test("a table that is truncated and gets a column owes that at the end, without a change")
    func truncatedAndAltered() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource("truncate s.r")
            try await pair.onSource("alter table s.r add c serial")

            let stopped = try await pair.sync("--endpos", "now")

            #expect(stopped.exitCode == 7, "\(stopped.log)")
            #expect(stopped.log.contains("column c is missing"), "\(stopped.log)")
            try await pair.mend(stopped.log)
            try await pair.catchUp()
            try await Self.expectSame(pair)
        }
    }

    @Test("a table that is suspected while its generated column is altered ends the stream once")
    func suspectedAndGenerated() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.both(
                "alter table s.r add g int generated always as (length(v)) stored")
            try await pair.catchUp()
            try await pair.both("alter table s.r rename v to w")
            try await pair.onSource("truncate s.r_1")

            let stopped = try await pair.sync("--endpos", "now")

            #expect(stopped.exitCode == 7, "\(stopped.log)")
            #expect(stopped.log.contains("TRUNCATE of one partition"), "\(stopped.log)")
            try await pair.catchUp("--on-rewrite", "copy")
            try await Self.expectSame(pair)
        }
    }

    @Test(
        "a generated column that is another one on the target is told, with the statement",
        arguments: [Pair.Versions(.v15, .v15), Pair.Versions(.v18, .v18)])
    func generated(_ versions: Pair.Versions) async throws {
        try await Pair.with(versions, schema: Self.schema, rows: Self.rows) { pair in
            let double = "alter table s.t add g int generated always as (n * 2) stored"
            try await pair.onSource(double)
            try await pair.onTarget(double.replacing("n * 2", with: "n * 3"))
            let refused = try await pair.expectRefusal(6, "column g is (n * 2) on the source")
            try await pair.mend(refused.log)
            try await pair.catchUp()
            try await Self.expectSame(pair)

            let other = "alter table s.t add h text generated always as (v || '!') stored"
            try await pair.onSource(other)
            let stopped = try await pair.sync("--endpos", "now")
            #expect(stopped.exitCode == 7, "\(stopped.log)")
            #expect(stopped.log.contains("column h is missing there"), "\(stopped.log)")
            try await pair.mend(stopped.log)
            try await pair.catchUp()
            try await Self.expectSame(pair)
        }
    }

    @Test("a generated column over one that is new, or renamed, comes behind what it needs")
    func generatedOverOthers() async throws {
        let versions = Pair.Versions(.v18, .v18)
        try await Pair.with(versions, schema: Self.schema, rows: Self.rows) { pair in
            let virtual = "alter table s.t add g int generated always as (n * 2) virtual"
            try await pair.both("\(virtual); alter table s.t add check (id > 0)")
            try await pair.catchUp()
            try await pair.onSource("update s.t set n = n + 1")
            let changes = [
                "alter table s.t add c int; alter table s.t add h int generated always as (c + 1)",
                "alter table s.t rename n to m",
                "alter table s.t drop g, add g int generated always as (m * 3) virtual",
            ]
            for change in changes {
                try await pair.onSource("\(change); update s.t set p = p + 1")
                let stopped = try await pair.sync("--endpos", "now")
                #expect(stopped.exitCode == 7, "\(stopped.log)")
                try await pair.mend(stopped.log)
            }
            try await pair.catchUp()
            try await Self.expectSame(pair)
        }
    }

    /// Text takes what the source's column has now, but nothing is computed from it.
    @Test("a generated column over one that was made again with another type comes behind it")
    func generatedOverRemade() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource(
                """
                alter table s.t drop v, add v int;
                alter table s.t add g int generated always as (v * 2) stored;
                update s.t set v = n
                """)

            let refused = try await pair.sync("--endpos", "now", "--on-rewrite", "copy")
            #expect(refused.exitCode != 0, "\(refused.log)")
            try await pair.mend(refused.log)
            let copied = try await pair.sync("--endpos", "now", "--on-rewrite", "copy")

            #expect(copied.exitCode == 0, "\(copied.log)")
            try await Self.expectSame(pair)
        }
    }

    /// What is read of the catalog is of one moment, however long some of it takes.
    @Test("by an ALTER that a start waits for, it is noticed all the same")
    func alteredMeanwhile() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            let locks = "from pg_locks where relation = 's.t'::regclass"
            async let altered = pair.source.run(
                script: """
                    begin;
                    alter table s.t alter v type text using upper(v);
                    do $$ begin
                      while not exists (select \(locks) and not granted) loop
                        perform pg_sleep(0.01);
                      end loop;
                    end $$;
                    commit;
                    """, database: pair.database)
            try await waitUntil("the table is altered") {
                try await pair.sourceValue(
                    "select exists (select \(locks) and mode = 'AccessExclusiveLock')") == "t"
            }

            let first = try await pair.sync("--endpos", "now")
            _ = try await altered
            let second = try await pair.sync("--endpos", "now")

            #expect(second.exitCode == 7, "\(first.log)\n\(second.log)")
            #expect(second.log.contains("column v was rewritten"), "\(second.log)")
        }
    }
}
