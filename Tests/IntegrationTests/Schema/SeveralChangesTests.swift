import Foundation
import LeatTestSupport
import Testing

/// A table that is altered several times before anybody looks: what the stream has of it in between
/// has names that are neither those of before nor those of now.
@Suite("Several changes of a table between two looks")
struct SeveralChangesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var sql: [String]

        var testDescription: String { name }
    }

    private static let schema = """
        create table other (id int primary key);
        create table t (id int primary key, v text, f float8, z timestamptz, p int, w text);
        """
    private static let rows = """
        insert into t select i, 'v' || i, i + 0.25, '2026-01-01 12:34:56.7+00', i, 'w' || i
          from generate_series(1, 9) i;
        """
    private static let insert = "insert into t (id, v, w) select max(id) + 1, 'new', 'w' from t"

    static let cases = [
        Case(
            name:
                "older values under the name of a column that was made again, beside another type",
            sql: [
                "alter table t add g int generated always as (p * 8) stored", insert,
                "alter table t alter id type bigint", "alter table t drop w, add w int default 5",
                "update t set w = 3 where id < 4",
            ]),
        Case(
            name: "names are swapped, and one of them is taken away again",
            sql: [
                "alter table t rename f to a", "alter table t rename z to f",
                "alter table t rename a to z", "update t set z = 7.5 where id < 5",
                "alter table t drop v", "alter table t rename f to v",
            ]),
        Case(
            name: "the same with columns of one type",
            sql: [
                "alter table t rename v to a", "alter table t rename w to v",
                "alter table t rename a to w", "update t set w = 'x', v = 'y' where id < 5",
                "alter table t drop f", "alter table t rename v to f",
                "update t set f = 'z' where id < 3",
            ]),
        Case(
            name: "a column is renamed and dropped, and another gets the name it had last",
            sql: [
                "alter table t rename w to x", "update t set x = 'old' where id < 5",
                "alter table t drop x", "alter table t add x text",
                "update t set x = 'new' where id = 2",
            ]),
        Case(
            name: "the same, and no change behind it",
            sql: [
                "alter table t rename w to x", "update t set x = 'old' where id < 5",
                "alter table t drop x", "alter table t add x text",
            ]),
        Case(
            name: "the last column is made again, and then renamed",
            sql: [
                "alter table t drop w, add w text", "update t set w = 'new' where id < 5",
                "alter table t rename w to x", "update t set x = 'newer' where id = 2",
            ]),
        Case(
            name: "a column comes and goes",
            sql: [
                "alter table t add x text", "update t set x = 'x' where id < 5",
                "alter table t drop x", "alter table t add y text", "update t set y = 'y'",
            ]),
    ]

    @Test("none of it loses a value: it goes on, or says what to do", arguments: cases)
    func keepsRows(_ change: Case) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            for sql in change.sql { try await pair.onSource(sql) }

            var (options, log, code) = ([String](), "", Int32(7))
            for _ in 0..<8 where code != 0 {
                let outcome = try await pair.leat(
                    ["sync", "--endpos", "now"] + pair.places + options)
                log += "\(options) \(outcome.exitCode)\n\(outcome.log)"
                code = outcome.exitCode
                // Those that it warned of come when it is there.
                let last = outcome.log.components(separatedBy: " error ").last ?? ""
                let statements = code == 0 ? [] : Pair.statements(in: last)
                options = statements.isEmpty ? ["--on-rewrite", "copy"] : []
                if code != 0 { try await pair.onTarget(statements.joined(separator: "\n")) }
            }
            #expect(code == 0, "\(log)")

            try await Self.expectSame(pair, log)
        }
    }

    /// What the stream meets first a copy would mend; the rest, as it is now, needs a statement.
    @Test("a table that is to be copied, and does not fit either, ends the stream once")
    func copiedAndUnfit() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            for sql in [
                "alter table t drop f, add f float8", "update t set f = 1 where id < 5",
                "alter table t drop p, add p text", "update t set p = 'new' where id < 3",
            ] { try await pair.onSource(sql) }

            let refused = try await pair.sync("--endpos", "now", "--on-rewrite", "copy")
            #expect([6, 7].contains(refused.exitCode), "\(refused.log)")
            let last = refused.log.components(separatedBy: " error ").last ?? ""
            try await pair.mend(last)
            let copied = try await pair.sync("--endpos", "now", "--on-rewrite", "copy")
            #expect(copied.exitCode == 0, "\(copied.log)")

            try await Self.expectSame(pair, copied.log)
        }
    }

    @Test("a table that is dropped since, and whose rows are not known, is left as it is")
    func droppedSince() async throws {
        let full = "alter table t replica identity full;"
        try await Pair.with(schema: Self.schema + full, rows: Self.rows) { pair in
            try await pair.catchUp()
            for sql in [
                "alter table t add c int not null default 9", "update t set p = 7 where id = 1",
                "drop table t; insert into other values (1)",
            ] { try await pair.onSource(sql) }
            let stopped = try await pair.sync("--endpos", "now")
            #expect(stopped.exitCode == 7, "\(stopped.log)")
            try await pair.mend(stopped.log)

            let missed = try await pair.sync("--endpos", "now")
            #expect(missed.exitCode == 7, "\(missed.log)")
            #expect(missed.log.contains("start once with --exclude public.t"), "\(missed.log)")
            try await pair.catchUp("--exclude", "public.t")
            try await pair.catchUp()
            #expect(try await pair.targetValue("select count(*) from other") == "1")
            #expect(try await pair.targetValue("select count(*) from t") == "9")
        }
    }

    private static func expectSame(_ pair: Pair, _ log: String) async throws {
        let names = try await pair.sourceValue(
            """
            select string_agg(quote_ident(attname), ', ' order by attname) from pg_attribute
            where attrelid = 't'::regclass and attnum > 0 and not attisdropped
            """)
        let query = "select row(\(names ?? "")) from t order by id"
        let (source, target) = (try await pair.onSource(query), try await pair.onTarget(query))
        #expect(source == target, "\(log)")
    }
}
