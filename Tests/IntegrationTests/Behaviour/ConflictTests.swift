import LeatTestSupport
import Testing

@Suite("A change that the target does not take stops the stream")
struct ConflictTests {
    /// A way to disagree, and back.
    struct Conflict: Sendable, CustomTestStringConvertible {
        var name: String
        var onTarget = ""
        var onSource: String
        var mend: String
        var words: [String]

        var testDescription: String { name }
    }

    private static let conflicts = [
        Conflict(
            name: "insert_exists", onTarget: "insert into t values (50, 'mine', 'SECRET')",
            onSource: "insert into t values (50, 'theirs', 'SECRET')",
            mend: "delete from t where id = 50", words: ["insert_exists", "t_pkey"]),
        Conflict(
            name: "update_missing", onTarget: "delete from t where id = 5",
            onSource: "update t set v = 'u' where id = 5",
            mend: "insert into t values (5, 'v', 'SECRET')", words: ["update_missing"]),
        Conflict(
            name: "delete_missing", onTarget: "delete from t where id = 6",
            onSource: "delete from t where id = 6",
            mend: "insert into t values (6, 'v', 'SECRET')", words: ["delete_missing"]),
        Conflict(
            name: "update_exists", onTarget: "create unique index u on t (v) where v = 'twice'",
            onSource: "update t set v = 'twice' where id in (7, 8)",
            mend: "drop index u", words: ["update_exists"]),
        Conflict(
            name: "not null on the target", onTarget: "alter table t alter v set not null",
            onSource: "insert into t values (51, null, 'SECRET')",
            mend: "alter table t alter v drop not null", words: ["null value", "\"v\""]),
        Conflict(
            name: "a new column on the source",
            onSource: "alter table t add x int; insert into t values (52, 'v', 'SECRET', 1)",
            mend: "alter table t add x int",
            words: ["column x is missing", "add column \"x\" int4"]),
        Conflict(
            name: "a column of a type made meanwhile",
            onSource: """
                create type late as enum ('a'); alter table t add y late;
                insert into t values (53, 'v', 'SECRET', 'a')
                """,
            mend: "create type late as enum ('a'); alter table t add y late",
            words: ["column y is missing"]),
        Conflict(
            name: "a wider column on the source",
            onSource: "alter table t alter v type text; update t set v = repeat('x', 30)",
            mend: "alter table t alter v type text", words: ["column v is text"]),
        Conflict(
            name: "a renamed column",
            onSource: "alter table t rename v to w; update t set w = 'u'",
            mend: "alter table t rename v to w",
            words: ["column v is called w", #"alter table "public"."t" rename column "v" to "w";"#]),
    ]

    private static let schema = """
        create type mood as enum ('ok');
        create table t (id int primary key, v varchar(20), secret text);
        create table other (id int primary key, m mood);
        """

    @Test(
        "says where and why, keeps what came before, and goes on once mended", arguments: conflicts)
    func stopsAndResumes(_ conflict: Conflict) async throws {
        let rows = "insert into t select i, 'v' || i, 'SECRET' from generate_series(1, 10) i"
        try await Pair.with(schema: Self.schema, rows: rows) { pair in
            try await pair.catchUp()
            if !conflict.onTarget.isEmpty { try await pair.onTarget(conflict.onTarget) }
            try await pair.onSource(
                "insert into other values (1); update t set v = 'w' where id = 1")
            try await pair.onSource(
                "begin; insert into other values (2); \(conflict.onSource); commit")
            try await pair.onSource("insert into other values (3)")

            let outcome = try await pair.sync("--endpos", "now")

            #expect(outcome.exitCode == 7, "\(outcome.log)")
            for word in ["public.t", "Stopped at 0/"] + conflict.words {
                #expect(outcome.log.contains(word), "\(word) is not in: \(outcome.log)")
            }
            #expect(!outcome.text.contains("SECRET"))
            #expect(try await pair.onTarget("select id from other order by 1") == [["1"]])
            let again = try await pair.sync("--endpos", "now")
            #expect(again.exitCode == 7)
            try await pair.onTarget(conflict.mend)
            try await pair.catchUp()
            try await pair.expectEqual()
        }
    }

    @Test(
        "a new column stops a stream that flows too, and later a missing enum label")
    func stopsWhileStreaming() async throws {
        let rows = "insert into t select i, 'v' || i, 'SECRET' from generate_series(1, 10) i"
        try await Pair.with(schema: Self.schema, rows: rows) { pair in
            let first = try pair.start()
            try await pair.waitForStream(first)
            try await pair.onSource("alter table t add x int; insert into other values (1)")
            try await pair.onSource("insert into t values (11, 'v', 'SECRET', 1)")
            #expect(try await first.waitForExit() == 7)
            #expect(first.log.contains("Stopped at 0/"))
            #expect(first.log.contains("alter table \"public\".\"t\" add column \"x\" int4;"))
            #expect(try await pair.targetValue("select count(*) from other") == "1")
            try await pair.onTarget("alter table t add x int")

            let second = try pair.start()
            try await pair.waitForStream(second)
            try await pair.onSource("alter type mood add value 'late'")
            try await pair.onSource("update other set m = 'late'")
            #expect(try await second.waitForExit() == 7)
            #expect(second.log.contains("invalid_text_representation, in words that may hold"))
            #expect(
                second.log.contains(#"alter type "public"."mood" add value 'late' after 'ok';"#))
            #expect(!(first.log + second.log).contains("SECRET"))
            try await pair.onTarget("alter type mood add value 'late'")

            try await pair.catchUp()
            try await pair.expectEqual()
        }
    }

    @Test("but a column dropped on the source does not")
    func droppedColumn() async throws {
        let schema = "create table t (id int primary key, v text, gone int)"
        try await Pair.with(schema: schema, rows: "insert into t values (1, 'a', 1)") { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)

            try await pair.onSource("alter table t drop gone; update t set v = 'b'")
            try await pair.onSource("insert into t values (2, 'c')")
            try await pair.waitUntilApplied()

            #expect(
                try await pair.onTarget("select * from t order by 1")
                    == [["1", "b", "1"], ["2", "c", nil]])
        }
    }
}
