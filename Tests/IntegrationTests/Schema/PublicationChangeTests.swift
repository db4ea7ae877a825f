import LeatTestSupport
import Testing

@Suite("Publications that change")
struct PublicationChangeTests {
    private static let schema = """
        create table t (id int primary key, v text, n int);
        create table u (id int primary key, v text);
        create table p (id int primary key, v text) partition by range (id);
        create table p_1 partition of p for values from (0) to (1000);
        """
    private static let rows = """
        insert into t select i, 'v', i from generate_series(1, 5) i;
        insert into u select i, 'v' from generate_series(1, 5) i;
        insert into p select i, 'v' from generate_series(1, 5) i;
        """

    /// Runs `leat sync` on publication `pub` to this moment.
    private func run(_ pair: Pair, _ options: String...) async throws -> Pair.Outcome {
        try await pair.leat(
            ["sync", "--publication", "pub", "--endpos", "now", "--status-interval", "200ms"]
                + pair.places + options)
    }

    /// Expects that it has to copy, says why, and then copies just these tables anew.
    private func expectCopiedAnew(_ tables: [String], _ pair: Pair, _ why: String) async throws {
        let refused = try await run(pair)
        #expect(refused.exitCode == 6, "\(refused.log)")
        #expect(refused.log.contains("Not empty on the target"))
        #expect(refused.log.contains(why) || why.isEmpty, "\(refused.log)")
        let again = try await run(pair, "--truncate", "--yes")
        #expect(again.exitCode == 0, "\(again.log)")
        for table in ["t", "u", "p", "p_1"] {
            let isCopied = again.log.contains("copying table=public.\(table)\n")
            #expect(isCopied == tables.contains(table), "\(table): \(again.log)")
        }
    }

    /// What is done to publication `pub`, and what follows from it.
    struct Change: Sendable, CustomTestStringConvertible {
        var name: String
        var sql: String
        var back = ""
        var tables: [String]
        /// Said while the stream flows, and at the next start.
        var words: String
        var why: String

        var testDescription: String { name }
    }

    private static let changes = [
        Change(
            name: "a table is taken out and put back",
            sql: "alter publication pub drop table t; insert into t values (50, 'not sent', 1)",
            back: "alter publication pub add table t", tables: ["t"],
            words: "Changes of table public.t may not have been sent: it was taken out",
            why: "taken out of its publication"),
        Change(
            name: "a column list", sql: "alter publication pub set table t (id, v), u, p",
            tables: ["t"],
            words: "Changes of table public.t may not have been sent: it was taken out",
            why: "column list"),
        Change(
            name: "a row filter",
            sql: "alter publication pub set table t where (id < 1000), u, p",
            tables: ["t"],
            words: "Changes of table public.t may not have been sent: it was taken out",
            why: "row filter"),
        Change(
            name: "the kinds of changes",
            sql: "alter publication pub set (publish = 'insert, truncate')",
            tables: ["t", "u", "p"], words: "no updates, deletes from now on",
            why: "other kinds of changes"),
        Change(
            name: "the kinds of changes, and back",
            sql: """
                alter publication pub set (publish = 'insert');
                update t set n = 60; update p set v = 'not sent'
                """,
            back: "alter publication pub set (publish = 'insert, update, delete, truncate')",
            tables: ["t", "u", "p"], words: "was altered and is now as before",
            why: "was altered and is now as before"),
        Change(
            name: "publish_via_partition_root",
            sql: "alter publication pub set (publish_via_partition_root = false)",
            tables: ["p_1"], words: "publish_via_partition_root", why: ""),
    ]

    @Test(
        "are noticed while the stream flows, and what they touch is copied anew", arguments: changes
    )
    func whileStreaming(_ change: Change) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource(
                "create publication pub for table t, u, p with (publish_via_partition_root = true)")
            let leat = try pair.start("--publication", "pub")
            try await pair.waitForStream(leat)
            try await pair.onSource("update t set v = 'streamed'; update p set v = 'streamed'")
            try await pair.waitUntilApplied()

            try await pair.onSource(change.sql)
            if !change.back.isEmpty { try await pair.onSource(change.back) }

            #expect(try await leat.waitForExit() == 8, "\(leat.log)")
            #expect(leat.log.contains(change.words), "\(leat.log)")
            try await pair.onSource("insert into t values (100, 'later', 2)")
            try await expectCopiedAnew(change.tables, pair, change.why)
            try await pair.onSource("insert into u values (100, 'later')")
            let last = try await run(pair)
            #expect(last.exitCode == 0, "\(last.log)")
            let columns = change.name == "a column list" ? ["id", "v"] : nil
            for table in ["t", "u", "p_1"] {
                let left = try await pair.source.tableHash(
                    table, database: pair.database, columns: table == "t" ? columns : nil)
                let right = try await pair.target.tableHash(
                    table, database: pair.database, columns: table == "t" ? columns : nil)
                #expect(left == right, "\(table)")
            }
        }
    }

    @Test(
        "are noticed by a run that is stopped before it has looked",
        arguments: [changes[0], changes[4]])
    func whileStopping(_ change: Change) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource(
                "create publication pub for table t, u, p with (publish_via_partition_root = true)")
            let leat = try LeatProcess(
                ["sync", "--publication", "pub", "--status-interval", "1min"] + pair.places)
            try await pair.waitForStream(leat)

            try await pair.onSource(change.sql)
            try await pair.onSource(change.back)

            #expect(try await leat.terminate() == 8, "\(leat.log)")
            try await expectCopiedAnew(change.tables, pair, change.why)
        }
    }

    @Test("while Leat is down are noticed at the next start", arguments: changes)
    func whileDown(_ change: Change) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource(
                "create publication pub for table t, u, p with (publish_via_partition_root = true)")
            #expect(try await run(pair).exitCode == 0)

            try await pair.onSource("update t set v = 'before'; \(change.sql)")
            try await pair.onSource("\(change.back); insert into t values (60, 'after', 1)")

            try await expectCopiedAnew(change.tables, pair, change.why)
            #expect(try await pair.targetValue("select v from t where id = 60") == "after")
            #expect(try await pair.targetValue("select count(*) from t where v = 'before'") == "5")
        }
    }

    @Test("a dropped one ends the stream, made again or not", arguments: PostgresVersion.allCases)
    func dropped(_ version: PostgresVersion) async throws {
        try await Pair.with(.init(version, version), schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("create publication pub for table t")
            let leat = try pair.start("--publication", "pub")
            try await pair.waitForStream(leat)

            try await pair.onSource(
                "drop publication pub; insert into t values (50, 'not sent', 1)")

            #expect(try await leat.waitForExit() == 8, "\(leat.log)")
            #expect(leat.log.contains("pub"))
            try await pair.onSource("create publication pub for table t")
            let refused = try await run(pair)
            #expect(refused.exitCode == 8, "\(refused.log)")
            // The way back that it names.
            let cleanup = try await pair.leat(["cleanup", "--yes"] + pair.places)
            #expect(cleanup.exitCode == 0, "\(cleanup.log)")
            let again = try await run(pair, "--truncate", "--yes")
            #expect(again.exitCode == 0, "\(again.log)")
            #expect(try await pair.targetValue("select count(*) from t") == "6")
        }
    }

    @Test(
        "a table that is taken out, or dropped, is warned of and followed no longer",
        arguments: ["alter publication pub drop table t", "drop table t"])
    func takenOut(_ statement: String) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("create publication pub for table t, u")
            let leat = try pair.start("--publication", "pub")
            try await pair.waitForStream(leat)

            try await pair.onSource("\(statement); insert into u values (50, 'goes on')")

            try await leat.waitForOutput(containing: "table is no longer published")
            try await pair.waitUntilApplied()
            #expect(try await leat.terminate() == 0, "\(leat.log)")
            let next = try await run(pair)
            #expect(next.exitCode == 0, "\(next.log)")
            // As soon as the stream has passed the place.
            let log = leat.log + next.log
            #expect(log.contains("table is no longer followed table=public.t"), "\(log)")
            #expect(try await pair.targetValue("select count(*) from t") == "5")
            #expect(try await pair.targetValue("select count(*) from u") == "6")
        }
    }

    @Test("a table that moves from one published schema into another counts as put back")
    func movedSchema() async throws {
        let schema = "create schema one; create schema two; create table one.m (id int primary key)"
        try await Pair.with(schema: schema, rows: "insert into one.m values (1)") { pair in
            try await pair.onSource("create publication pub for tables in schema one, two")
            #expect(try await run(pair).exitCode == 0)
            let move = "alter table one.m set schema two"
            try await pair.onSource("\(move); insert into two.m values (2)")

            let renamed = try await run(pair)
            #expect(renamed.exitCode == 7 && renamed.log.contains("set schema"), "\(renamed.log)")
            try await pair.onTarget(move)
            let refused = try await run(pair)
            #expect(refused.exitCode == 6, "\(refused.log)")
            #expect(refused.log.contains("taken out of its publication and put back"))
            #expect(try await run(pair, "--truncate", "--yes").exitCode == 0)
            try await pair.expectEqual()
        }
    }

    @Test("one that sends inserts only goes on, and says what it leaves out")
    func insertsOnly() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("create publication pub for table t with (publish = 'insert')")
            // Nobody looks for rows, so nobody misses the index.
            try await pair.onTarget("alter table t drop constraint t_pkey")
            #expect(try await run(pair).exitCode == 0)
            try await pair.onSource(
                "insert into t values (50, 'new', 1); delete from t where id = 1")

            let outcome = try await run(pair)

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(outcome.log.contains("do not send updates, deletes, truncates"))
            #expect(!outcome.log.contains("search all of their rows"))
            #expect(try await pair.targetValue("select count(*) from t") == "6")
        }
    }

    @Test(
        "two with different columns of a table are refused, and end a stream with a sentence",
        arguments: [PostgresVersion.v15, .v18])
    func differentColumnLists(_ version: PostgresVersion) async throws {
        try await Pair.with(.init(version, version), schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource(
                "create publication pub for table t (id, v); create publication two for table t, u")
            try await pair.expectRefusal(
                6, "different column lists for public.t",
                options: ["--publication", "pub", "--publication", "two"])

            try await pair.onSource("alter publication two drop table t")
            let leat = try pair.start("--publication", "pub", "--publication", "two")
            try await pair.waitForStream(leat)
            try await pair.onSource("alter publication two add table t")
            try await pair.onSource("insert into t values (50, 'x', 1)")

            let code = try await leat.waitForExit()
            #expect([3, 8].contains(code), "\(leat.log)")
            #expect(leat.log.contains("column list"), "\(leat.log)")
        }
    }

    @Test("a table without a unique index on the target is warned of, and shown")
    func scans() async throws {
        let schema =
            Self.schema + "create table whole (id int); alter table whole replica identity full;"
        try await Pair.with(schema: schema, rows: Self.rows) { pair in
            try await pair.onTarget("alter table t drop constraint t_pkey")

            let outcome = try await pair.sync("--endpos", "now")
            #expect(outcome.exitCode == 0, "\(outcome.log)")
            let warnings = outcome.log.split(separator: "\n").filter {
                $0.contains("search all of their rows on the target")
            }
            #expect(warnings.count == 1)
            #expect(warnings.first?.contains("public.t") == true)
            #expect(warnings.first?.contains("public.whole") == true)
            let status = ["status", "--target", pair.target.conninfo(database: pair.database)]
            let shown = try await pair.leat(status)
            #expect(shown.output.contains("unindexed     2"), "\(shown.output)")
            #expect(shown.output.contains("              public.t\n"))

            try await pair.onTarget("alter table t add primary key (id)")
            try await pair.catchUp()
            #expect(try await !pair.leat(status).output.contains("public.t\n"))
        }
    }
}
