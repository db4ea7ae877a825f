import LeatTestSupport
import Testing

@Suite("A conflict with a policy is resolved, recorded and leaves the rest alone")
struct ConflictPolicyTests {
    /// A way to disagree, and what is to become of it.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var onTarget: String
        var onSource: String
        /// What `--on-conflict` says.
        var policy: String
        /// A query and its rows on the target afterwards.
        var query: String
        var rows: [[String?]]
        /// `kind, policy, key_columns, constraint_name` of the only record.
        var record: [String?]

        var testDescription: String { "\(name), \(policy)" }
    }

    private static let schema = """
        create table t (id int primary key, v varchar(20), mail text unique, note text default 'd');
        create table whole (a int, b text);
        alter table whole replica identity full;
        create table numbered (id int generated always as identity primary key, v text);
        create table other (id int primary key);
        """
    private static let rows = """
        insert into t select i, 'v' || i, 'm' || i, 'SECRET' from generate_series(1, 10) i;
        insert into whole values (1, 'a'), (1, 'a'), (2, 'b');
        insert into numbered (v) values ('a'), ('b');
        """

    private static let insert = "insert into t values (50, 'theirs', 'm50', 'SECRET')"
    private static let one = "select v, mail, note from t where id = 50"

    private static let cases: [Case] = [
        Case(
            name: "an inserted row is there",
            onTarget: "insert into t values (50, 'mine', 'x', 'y')", onSource: insert,
            policy: "insert_exists=apply", query: one, rows: [["theirs", "m50", "SECRET"]],
            record: ["insert_exists", "apply", "{id}", "t_pkey"]),
        Case(
            name: "an inserted row is there",
            onTarget: "insert into t values (50, 'mine', 'x', 'y')", onSource: insert,
            policy: "insert_exists=skip", query: one, rows: [["mine", "x", "y"]],
            record: ["insert_exists", "skip", "{id}", "t_pkey"]),
        Case(
            name: "another row has its mail",
            onTarget: "insert into t values (60, 'mine', 'm50', 'y')", onSource: insert,
            policy: "insert_exists=skip", query: one, rows: [],
            record: ["insert_exists", "skip", "{id}", "t_mail_key"]),
        Case(
            name: "a key that the target numbers ALWAYS is there",
            onTarget: "insert into numbered overriding system value values (50, 'mine')",
            onSource: "insert into numbered overriding system value values (50, 'theirs')",
            policy: "insert_exists=apply", query: "select v from numbered where id = 50",
            rows: [["theirs"]], record: ["insert_exists", "apply", "{id}", "numbered_pkey"]),
        Case(
            name: "the row to update is gone", onTarget: "delete from t where id = 5",
            onSource: "update t set v = 'u' where id = 5",
            policy: "update_missing=apply", query: "select v, mail, note from t where id = 5",
            rows: [["u", "m5", "SECRET"]],
            record: ["update_missing", "apply", "{id}", nil]),
        Case(
            name: "the row to update is gone", onTarget: "delete from t where id = 5",
            onSource: "update t set v = 'u' where id = 5",
            policy: "update_missing=skip", query: "select v from t where id = 5", rows: [],
            record: ["update_missing", "skip", "{id}", nil]),
        Case(
            name: "the row whose key moves is gone", onTarget: "delete from t where id = 5",
            onSource: "update t set id = 500 where id = 5",
            policy: "update_missing=apply", query: "select v from t where id in (5, 500)",
            rows: [["v5"]], record: ["update_missing", "apply", "{id}", nil]),
        Case(
            name: "one of two equal rows to update is gone",
            onTarget: "delete from whole where a = 1",
            onSource: "update whole set b = 'c' where ctid = (select min(ctid) from whole)",
            policy: "update_missing=apply", query: "select a, b from whole order by 1, 2",
            rows: [["1", "c"], ["2", "b"]], record: ["update_missing", "apply", "{a,b}", nil]),
        Case(
            name: "the row to delete is gone", onTarget: "delete from t where id = 6",
            onSource: "delete from t where id = 6",
            policy: "delete_missing=skip", query: "select v from t where id = 6", rows: [],
            record: ["delete_missing", "skip", "{id}", nil]),
        Case(
            name: "the row to delete is gone", onTarget: "delete from t where id = 6",
            onSource: "delete from t where id = 6",
            policy: "delete_missing=apply", query: "select v from t where id = 6", rows: [],
            record: ["delete_missing", "apply", "{id}", nil]),
        Case(
            name: "an updated row clashes", onTarget: "update t set mail = 'new' where id = 8",
            onSource: "update t set mail = 'new' where id = 7",
            policy: "update_exists=skip", query: "select mail from t where id = 7",
            rows: [["m7"]], record: ["update_exists", "skip", "{id}", "t_mail_key"]),
        Case(
            name: "NOT NULL", onTarget: "alter table t alter v set not null",
            onSource: "insert into t values (51, null, 'm51', 'SECRET')",
            policy: "constraint_failed=skip", query: "select id from t where id = 51", rows: [],
            record: ["constraint_failed", "skip", "{id}", nil]),
        Case(
            name: "CHECK", onTarget: "alter table t add constraint c check (v <> 'u')",
            onSource: "update t set v = 'u' where id = 2",
            policy: "constraint_failed=skip", query: "select v from t where id = 2",
            rows: [["v2"]], record: ["constraint_failed", "skip", "{id}", "c"]),
        Case(
            name: "EXCLUDE",
            onTarget: "alter table t add constraint x exclude using btree ((v || '!') with =)",
            onSource: "insert into t values (52, 'v1', 'm52', 'SECRET')",
            policy: "constraint_failed=skip", query: "select id from t where id = 52", rows: [],
            record: ["constraint_failed", "skip", "{id}", "x"]),
    ]

    @Test("whatever the policy", arguments: cases)
    func resolves(_ conflict: Case) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onTarget(conflict.onTarget)
            try await pair.onSource("insert into other values (1)")
            try await pair.onSource(
                """
                begin; insert into other values (2); \(conflict.onSource);
                insert into other values (3); commit
                """)
            try await pair.onSource("insert into other values (4)")

            let outcome = try await pair.sync(
                "--endpos", "now", "--on-conflict", conflict.policy)

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(outcome.log.contains("conflicts resolved"))
            #expect(!outcome.text.contains("SECRET"))
            #expect(try await pair.onTarget(conflict.query) == conflict.rows)
            #expect(try await pair.targetValue("select count(*) from other") == "4")
            let record = "select kind, policy, key_columns, constraint_name from leat.conflicts"
            #expect(try await pair.onTarget(record) == [conflict.record])
            let whole = try await pair.targetValue(
                "select string_agg(c::text, '') from leat.conflicts c")
            #expect(whole?.contains("SECRET") == false)
        }
    }

    @Test("what a policy cannot do stops, and says why")
    func stopsWhereItCannot() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onTarget("insert into t values (60, 'mine', 'm50', 'y')")
            try await pair.onSource(Self.insert)

            let other = try await pair.sync(
                "--endpos", "now", "--on-conflict", "insert_exists=apply")

            #expect(other.exitCode == 7)
            #expect(other.log.contains("cannot be applied either"))
            #expect(other.log.contains("t_mail_key"))
            #expect(try await pair.targetValue("select count(*) from leat.conflicts") == "0")
            try await pair.onTarget("delete from t where id = 60")
            try await pair.catchUp()
            try await pair.expectEqual()
        }
    }

    @Test("a row that is missing with a value that was not sent is not made up")
    func unchangedTOAST() async throws {
        let schema = """
            create table t (id int primary key, v text, large text);
            alter table t alter large set storage external;
            create table whole (id int, v text, large text);
            alter table whole alter large set storage external;
            alter table whole replica identity full
            """
        let rows = """
            insert into t values (1, 'a', repeat('x', 10000));
            insert into whole values (1, 'a', repeat('x', 10000))
            """
        try await Pair.with(schema: schema, rows: rows) { pair in
            try await pair.catchUp()
            try await pair.onTarget("delete from whole")
            try await pair.onSource("update whole set v = 'b'")
            try await pair.catchUp("--on-conflict", "update_missing=apply")
            try await pair.expectEqual()

            try await pair.onTarget("delete from t")
            try await pair.onSource("update t set v = 'b'")
            let outcome = try await pair.sync(
                "--endpos", "now", "--on-conflict", "update_missing=apply")

            #expect(outcome.exitCode == 7)
            #expect(outcome.log.contains("value of large was not sent"))
            try await pair.catchUp("--on-conflict", "update_missing=skip")
            #expect(try await pair.targetValue("select count(*) from t") == "0")
        }
    }

    @Test("a kind without a policy stops though another has one")
    func otherKindStops() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onTarget("delete from t where id in (5, 6)")
            try await pair.onSource(
                "begin; update t set v = 'u' where id = 5; delete from t where id = 6; commit")

            let outcome = try await pair.sync(
                "--endpos", "now", "--on-conflict", "update_missing=skip")

            #expect(outcome.exitCode == 7)
            #expect(outcome.log.contains("delete_missing"))
            #expect(outcome.log.contains("--on-conflict delete_missing=apply|skip"))
            #expect(try await pair.targetValue("select count(*) from leat.conflicts") == "0")
        }
    }

    @Test("what a trigger's function refuses is no conflict, and is not quoted")
    func functionsRefusal() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onTarget(
                """
                create function refuse() returns trigger language plpgsql as $$ begin
                  raise unique_violation using message = new.note; end $$;
                create trigger r before insert on t for each row execute function refuse();
                alter table t enable always trigger r
                """)
            try await pair.onSource(Self.insert)

            let outcome = try await pair.sync(
                "--endpos", "now", "--on-conflict", "insert_exists=skip")

            #expect(outcome.exitCode == 7)
            #expect(outcome.log.contains("a function of the server refused it"))
            #expect(!outcome.text.contains("SECRET"))
        }
    }

    @Test("values are shown and kept only where asked for")
    func showsValues() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onTarget("delete from t where id in (5, 6)")
            try await pair.onSource("update t set v = 'u' where id = 5")

            let stopped = try await pair.sync("--endpos", "now", "--show-values")
            #expect(stopped.log.contains("identified by id = 5"))
            try await pair.catchUp("--show-values", "--on-conflict", "update_missing=skip")
            try await pair.onSource("delete from t where id = 6")
            try await pair.catchUp("--on-conflict", "delete_missing=skip")

            let kept = "select kind, key_values from leat.conflicts order by id"
            #expect(
                try await pair.onTarget(kept)
                    == [["update_missing", "{5}"], ["delete_missing", nil]])
        }
    }

    @Test("binary form resolves alike")
    func binary() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp("--binary", "on")
            try await pair.onTarget(
                "delete from t where id = 5; update t set v = 'mine' where id = 4")
            try await pair.onTarget("insert into t values (50, 'mine', 'x', 'y')")
            try await pair.onSource("update t set v = 'u' where id = 5; \(Self.insert)")

            try await pair.catchUp(
                "--binary", "on", "--on-conflict", "update_missing=apply", "--on-conflict",
                "insert_exists=apply")

            #expect(try await pair.onTarget(Self.one) == [["theirs", "m50", "SECRET"]])
            #expect(try await pair.targetValue("select v from t where id = 5") == "u")
        }
    }
}
