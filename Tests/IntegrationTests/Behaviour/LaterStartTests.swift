import LeatTestSupport
import Testing

@Suite("A later start")
struct LaterStartTests {
    private static let schema = "create table t (id int primary key, v text)"
    private static let rows = "insert into t select i, 'v' from generate_series(1, 10) i"

    // MARK: --no-copy

    /// What makes a table that is followed incomplete on the target.
    struct Gap: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var publication: String
        var sql: String
        var why: String
    }

    private static let gaps = [
        Gap(
            testDescription: "narrowed and widened again",
            publication: "create publication pub for table t",
            sql: """
                alter publication pub set (publish = 'update');
                insert into t select i, 'not sent' from generate_series(100, 199) i;
                alter publication pub set (publish = 'insert, update, delete, truncate')
                """, why: "its publication was altered and is now as before"),
        Gap(
            testDescription: "put back", publication: "create publication pub for table t",
            sql: """
                alter publication pub drop table t;
                insert into t select i, 'not sent' from generate_series(100, 199) i;
                alter publication pub add table t
                """, why: "taken out of its publication and put back"),
    ]

    @Test(
        "with --no-copy takes no table that misses rows, and says what copies it", arguments: gaps)
    func noCopyGap(_ gap: Gap) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource(gap.publication)
            try await pair.catchUp("--publication", "pub")
            for statement in gap.sql.split(separator: ";") {
                try await pair.onSource(String(statement))
            }

            let refused = try await pair.expectRefusal(
                6, "--no-copy", "public.t: ", gap.why,
                options: ["--publication", "pub", "--no-copy"])
            let mended = try await pair.runPrinted(
                "leat sync", in: refused.log, "--endpos", "now", "--yes")

            #expect(mended.exitCode == 0, "\(mended.log)")
            try await pair.expectEqual()
        }
    }

    @Test("with --no-copy copies what a kill left half copied")
    func noCopyAfterKill() async throws {
        let rows = "insert into t select i, 'v' from generate_series(1, 10000) i"
        try await Pair.with(schema: Self.schema, rows: rows) { pair in
            let killed = try await pair.leat(
                ["sync"] + pair.places, environment: ["LEAT_FAILPOINT": "table-half-copied"])
            #expect(killed.exitCode == 137)
            try await pair.onSource("insert into t values (20000, 'later')")

            try await pair.catchUp("--no-copy")

            try await pair.expectEqual()
            // Where somebody filled it meanwhile, nobody knows with what.
            try await pair.onTarget("update leat.tables set state = 'datasync'")
            try await pair.expectRefusal(
                6, "public.t: its copy did not end", "--truncate", options: ["--no-copy"])
        }
    }

    @Test("with --no-copy copies new tables that are empty, and says of when it takes others")
    func noCopyNewTables() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("create publication pub for all tables")
            try await pair.catchUp("--publication", "pub")
            let before = try await pair.targetValue("select snapshot_lsn from leat.tables")
            try await pair.both(
                """
                create table hollow (id int primary key); create table filled (id int primary key);
                insert into filled select generate_series(1, 100)
                """)
            try await pair.onSource("insert into hollow select generate_series(1, 100)")

            let outcome = try await pair.sync(
                "--publication", "pub", "--no-copy", "--endpos", "now")

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            let lsn =
                try await pair.targetValue(
                    "select snapshot_lsn from leat.tables where table_name = 'filled'") ?? "?"
            #expect(outcome.log.contains("lsn=\(lsn) tables=public.filled"), "\(outcome.log)")
            #expect(
                try await pair.targetValue(
                    "select snapshot_lsn from leat.tables where table_name = 't'") == before)
            try await pair.onSource("insert into filled values (101); delete from hollow")
            try await pair.catchUp("--publication", "pub")
            try await pair.expectEqual()
        }
    }

    // MARK: New tables that do not fit

    @Test(
        "leaves out new tables that cannot be followed, shows them, and takes them once they can",
        arguments: [true, false])
    func unfit(_ isOwn: Bool) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let options = isOwn ? [] : ["--publication", "pub"]
            if !isOwn { try await pair.onSource("create publication pub for all tables") }
            try await pair.catchUp(options: options)
            try await pair.onSource(
                "create table missing (id int primary key); create table keyless (v text)")
            try await pair.both("create table filled (id int primary key)")
            try await pair.onSource(
                """
                insert into missing values (1); insert into keyless values ('a');
                insert into filled values (1); insert into t values (100, 'x')
                """)
            try await pair.onTarget("insert into filled values (7)")
            let names = ["filled", "missing"] + (isOwn ? ["keyless"] : [])
            if !isOwn { try await pair.onTarget("create table keyless (v text)") }

            try await pair.expectRefusal(
                6, "public.", options: options + ["--strict", "--endpos", "now"])
            try await pair.expectRefusal(
                6, "public.filled", options: options + ["--tables", "*,filled", "--endpos", "now"])
            let outcome = try await pair.leat(
                ["sync", "--endpos", "now"] + pair.places + options)

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(try await pair.targetValue("select count(*) from t") == "11")
            let status = try await pair.leat([
                "status", "--target", pair.target.conninfo(database: pair.database),
            ])
            for name in names {
                #expect(outcome.log.contains("table=public.\(name)"), "\(outcome.log)")
                #expect(status.output.contains("public.\(name): "), "\(status.output)")
            }

            try await pair.onSource("alter table keyless add primary key (v)")
            try await pair.onTarget("create table missing (id int primary key); truncate filled")
            if isOwn { try await pair.onTarget("create table keyless (v text primary key)") }
            try await pair.catchUp(options: options)
            try await pair.onSource("insert into missing values (2); delete from filled")
            try await pair.catchUp(options: options)
            try await pair.expectEqual()
        }
    }

    @Test("of a recording leaves out a new table without a key")
    func unfitRecording() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            #expect(try await pair.record().exitCode == 0)
            try await pair.onSource("create table keyless (v text)")

            let strict = try await pair.record("--strict")
            let outcome = try await pair.record()

            #expect(strict.exitCode == 6, "\(strict.log)")
            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(outcome.log.contains("table=public.keyless"), "\(outcome.log)")
            let slip = try await pair.record("--exclude", "keyles")
            #expect(slip.exitCode == 6, "\(slip.log)")
            #expect(slip.log.contains("public.keyless"), "\(slip.log)")
        }
    }
}
