import LeatTestSupport
import Testing

@Suite("Resolved conflicts are recorded once")
struct ConflictCrashTests {
    private static let schema = """
        create table t (id int primary key, v text);
        create table other (id int primary key)
        """
    private static let rows = "insert into t select i, 'v' from generate_series(1, 2000) i"

    /// Every second row is missing on the target, every tenth new one is there.
    private func disagree(_ pair: Pair) async throws {
        try await pair.catchUp()
        try await pair.onTarget(
            """
            delete from t where id % 2 = 0 and id <= 1000;
            insert into t select i, 'mine' from generate_series(10000, 10500, 10) i
            """)
    }

    private static let changes = """
        update t set v = 'u' where id <= 1000;
        insert into t select i, 'theirs' from generate_series(10001, 10500) i
        """

    private static let options = [
        "--on-conflict", "update_missing=apply", "--on-conflict", "insert_exists=apply",
    ]

    private func expectResolved(_ pair: Pair) async throws {
        try await pair.onTarget("delete from t where id = 10000")
        try await pair.expectEqual()
        let counts =
            "select kind, count(*), count(distinct lsn) from leat.conflicts group by 1 order by 1"
        #expect(
            try await pair.onTarget(counts)
                == [["insert_exists", "50", "50"], ["update_missing", "500", "500"]])
    }

    @Test(
        "whenever the process is killed",
        arguments: [
            "conflict-recorded", "conflict-recorded:300", "batch-sent:2", "batch-sent:40",
            "commit-sent", "commit-sent:2", "stored-not-confirmed",
        ])
    func killed(_ failPoint: String) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await disagree(pair)
            try await pair.onSource("begin; \(Self.changes); commit")
            try await pair.onSource("insert into other values (1)")
            let arguments = ["sync"] + pair.places + Self.options + ["--endpos", "now"]

            let killed = try await pair.leat(
                arguments, environment: ["LEAT_FAILPOINT": failPoint])
            #expect(killed.exitCode == 137, "\(killed.log)")
            let again = try await pair.leat(arguments)

            #expect(again.exitCode == 0, "\(again.log)")
            try await expectResolved(pair)
        }
    }

    @Test("in a transaction that comes in pieces", arguments: [PostgresVersion.v15, .v18])
    func largeTransaction(_ version: PostgresVersion) async throws {
        try await Pair.with(.init(version, version), schema: Self.schema, rows: Self.rows) { pair in
            try await disagree(pair)
            try await pair.onSource(
                "alter database \(pair.database) set logical_decoding_work_mem = '64kB'")
            // A piece holds 1 MiB.
            try await pair.onSource(
                """
                begin; insert into other select i from generate_series(1, 60000) i;
                savepoint s; insert into other values (-1); rollback to s;
                \(Self.changes); insert into other select -i from generate_series(1, 60000) i;
                update t set v = 'w' where id between 500 and 600; commit
                """)

            try await pair.catchUp(options: Self.options)

            try await expectResolved(pair)
        }
    }

    @Test(
        "in a later piece, whether it is the server that refuses or the count of rows",
        arguments: [
            ("update t set v = 'u' where id <= 1000", "500"),
            ("insert into t select i, 'theirs' from generate_series(10001, 10500) i", "50"),
        ])
    func laterPiece(_ change: String, _ conflicts: String) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await disagree(pair)
            try await pair.onSource(
                """
                begin; insert into other select i from generate_series(1, 60000) i;
                insert into other select -i from generate_series(1, 60000) i;
                \(change); commit
                """)

            try await pair.catchUp(options: Self.options)

            #expect(
                try await pair.targetValue("select count(*) from leat.conflicts") == conflicts)
            #expect(try await pair.targetValue("select count(*) from other") == "120000")
            let changed = "select count(*) from t where v in ('u', 'theirs')"
            #expect(try await pair.targetValue(changed) == pair.sourceValue(changed))
        }
    }

    @Test("a transaction in pieces that stops leaves nothing of itself")
    func largeTransactionStops() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await disagree(pair)
            try await pair.onSource(
                """
                begin; insert into other select i from generate_series(1, 60000) i;
                \(Self.changes); insert into other select -i from generate_series(1, 60000) i;
                commit
                """)

            let outcome = try await pair.sync(
                "--endpos", "now", "--on-conflict", "update_missing=apply")

            #expect(outcome.exitCode == 7, "\(outcome.log)")
            #expect(outcome.log.contains("insert_exists"))
            #expect(try await pair.targetValue("select count(*) from other") == "0")
            #expect(try await pair.targetValue("select count(*) from leat.conflicts") == "0")
            try await pair.catchUp(options: Self.options)
            try await expectResolved(pair)
        }
    }

    @Test("and what follows a resolved conflict in the same batch is applied as ever")
    func manyTransactions() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await disagree(pair)
            try await pair.source.run(
                script: (1...200).map { "update t set v = 'u\($0)' where id = \($0);" }
                    .joined(separator: "\n"), database: pair.database)

            try await pair.catchUp("--on-conflict", "update_missing=skip")

            #expect(try await pair.targetValue("select count(*) from leat.conflicts") == "100")
            #expect(
                try await pair.targetValue("select count(*) from t where v = 'u' || id") == "100")
        }
    }
}
