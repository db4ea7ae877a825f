import Foundation
import LeatTestSupport
import Testing

@Suite("What cannot work is refused before anything is created")
struct PreflightTests {
    private static let schema = "create table t (id int primary key, v text)"

    @Test("tables that do not fit, all of them at once")
    func unfitTables() async throws {
        let versions = Pair.Versions(.v16, .v18)
        try await Pair.with(versions) { pair in
            try await pair.onSource(
                """
                create type mood as enum ('sad', 'ok', 'new');
                create table absent (id int primary key);
                create table lacks (id int primary key, "The column" text);
                create table other_type (id int primary key, n text);
                create table narrower (id int primary key, v varchar(20), n numeric(10, 3));
                create table computed (id int primary key, c int);
                create table fleeting (id int primary key);
                create table seen (id int primary key);
                create table demanding (id int primary key);
                create table label (id int primary key, m mood);
                insert into absent values (1);
                """)
            try await pair.onTarget(
                """
                create type mood as enum ('sad', 'ok');
                create table lacks (id int primary key);
                create table other_type (id int primary key, n int);
                create table narrower (id int primary key, v varchar(10), n numeric(10, 2));
                create table computed (id int primary key,
                  c int generated always as (id) stored);
                create unlogged table fleeting (id int primary key);
                create view seen as select 1 as id;
                create table demanding (id int primary key, extra int not null);
                create table label (id int primary key, m mood);
                """)

            try await pair.expectRefusal(
                6, "Table public.absent is missing", "public.lacks", "column The column is missing",
                "add column \"The column\" text", "public.other_type", "column n is text",
                "public.narrower", "column v is varchar(20)", "column n is numeric(10,3)",
                "public.computed", "generated", "public.fleeting", "unlogged", "public.seen",
                "view", "public.demanding", "extra", "public.label", "enum lacks new")
        }
    }

    @Test("tables whose own updates a publication would break", arguments: PostgresVersion.allCases)
    func noIdentity(_ version: PostgresVersion) async throws {
        let schema = """
            create table keyless (v text);
            create table later (id int primary key deferrable);
            create table nothing (id int primary key);
            alter table nothing replica identity nothing;
            create table lost_index (id int not null);
            create unique index lost on lost_index (id);
            alter table lost_index replica identity using index lost;
            drop index lost;
            create table root (id int) partition by list (id);
            create table leaf partition of root for values in (1);
            alter table root replica identity full;
            create table keyed (id int primary key) partition by list (id);
            create table keyed_leaf partition of keyed for values in (1);
            alter table keyed replica identity full;
            """
        let rows = """
            insert into keyless values ('a'); insert into later values (1);
            insert into nothing values (1); insert into lost_index values (1);
            insert into root values (1);
            """
        try await Pair.with(.init(version, version), schema: schema, rows: rows) { pair in
            try await pair.expectRefusal(
                6, "public.keyless", "no primary key", "public.later", "deferrable",
                "public.nothing", "NOTHING", "public.lost_index", "is gone", "public.leaf",
                "alter table \"public\".\"leaf\" replica identity full",
                "alter table \"public\".\"keyed_leaf\" replica identity full")

            // The application goes on.
            try await pair.onSource(
                """
                update keyless set v = 'b'; update later set id = 2; update nothing set id = 2;
                delete from lost_index; update root set id = 1;
                """)
        }
    }

    @Test("a target that is not empty, which --truncate mends, foreign keys or not")
    func notEmpty() async throws {
        let schema = """
            create table a (id int primary key);
            create table b (id int primary key, a int references a);
            alter table a add column b int references b deferrable initially deferred;
            """
        let rows = "insert into a values (1), (2); insert into b values (1, 1), (2, 2)"
        try await Pair.with(schema: schema, rows: rows) { pair in
            try await pair.onTarget("insert into a values (7); insert into b values (8, 7)")

            try await pair.expectRefusal(6, "Not empty on the target: public.a, public.b")
            try await pair.catchUp("--truncate", "--yes")

            try await pair.expectEqual()
        }
    }

    @Test("a target that tables outside the stream refer to, which --truncate mends too")
    func referredTo() async throws {
        let schema = """
            create table a (id int primary key);
            create table outside (id int primary key, a int references a);
            """
        try await Pair.with(schema: schema, rows: "insert into a values (1), (2)") { pair in
            try await pair.onTarget("insert into a values (1), (7)")
            try await pair.onTarget("insert into outside values (1, 1)")

            try await pair.catchUp("--truncate", "--yes", "--tables", "a")

            #expect(try await pair.onTarget("select id from a order by 1") == [["1"], ["2"]])
            #expect(try await pair.targetValue("select count(*) from outside") == "1")
        }
    }

    @Test(
        "rows that violate a constraint which is not valid, while the target has it",
        arguments: [PostgresVersion.v16, .v18])
    func unvalidated(_ version: PostgresVersion) async throws {
        let schema = """
            create domain positive as int;
            create table t (id int primary key, v int, p positive);
            create table fine (id int primary key, v int);
            """
        let constraints = """
            alter table t add constraint "v > 0" check (v > 0) not valid;
            alter domain positive add constraint above check (value > 0) not valid;
            alter table fine add constraint fine check (v > 0) not valid;
            """
        let rows = "insert into t values (1, -1, -1), (2, 2, 2); insert into fine values (1, 1)"
        try await Pair.with(.init(version, version), schema: schema, rows: rows) { pair in
            try await pair.both(constraints)

            let refused = try await pair.expectRefusal(6, "v > 0 of public.t", "above of")
            #expect(!refused.log.contains("public.fine"))
            for sql in pair.printedStatements(in: refused.log) { try await pair.onTarget(sql) }
            try await pair.catchUp()

            try await pair.expectEqual()
            // They are printed too.
            for line in refused.log.split(separator: "\n") where line.hasPrefix("-- alter") {
                try await pair.onTarget(String(line.dropFirst(3)))
            }
            try await pair.catchUp()
        }
    }

    @Test("source and target that are one database")
    func sameDatabase() async throws {
        try await Pair.with(schema: Self.schema) { pair in
            let place = pair.source.socketConninfo(database: pair.database)

            try await pair.expectRefusal(
                2, "Source and target are the same database", options: ["--target", place])

            #expect(try await pair.sourceValue("select to_regnamespace('leat')") == nil)
        }
    }

    @Test("tables that are missing, with the commands that make them")
    func missing() async throws {
        try await Pair.with { pair in
            let schema = """
                create schema crm; create type mood as enum ('sad');
                create table "Users" (id int primary key, m mood);
                create table crm.a (id int primary key);
                """
            try await pair.onSource(schema)
            try await pair.onSource(
                "insert into \"Users\" values (1, 'sad'); insert into crm.a values (1)")

            // The whole schema on a bare target; single tables beside others.
            for isBare in [true, false] {
                let refused = try await pair.expectRefusal(6, "public.Users is missing")
                for line in refused.log.split(separator: "\n")
                where line.hasPrefix("pg_dump ") || line.hasPrefix("psql ") {
                    try await pair.shell(String(line))
                }
                try await pair.onTarget("drop table if exists other")
                try await pair.catchUp()
                try await pair.expectEqual()
                guard isBare else { continue }
                let cleanup = try await pair.leat(["cleanup", "--yes"] + pair.places)
                #expect(cleanup.exitCode == 0, "\(cleanup.log)")
                try await pair.onTarget(
                    """
                    drop table "Users"; drop schema crm cascade; create table other (id int)
                    """)
            }
        }
    }

    @Test("long lists are cut, with their number")
    func manyTables() async throws {
        let tables = (1...300).map { "create table t\($0) (v text);" }.joined()
        try await Pair.with(schema: tables) { pair in
            let keyless = try await pair.expectRefusal(6, "and 288 more")
            #expect(keyless.log.utf8.count < 4000, "\(keyless.log.utf8.count)")
            try await pair.onSource(
                (1...300).map { "alter table t\($0) replica identity full;" }.joined())
            let outcome = try await pair.sync("--endpos", "now")
            #expect(outcome.exitCode == 0, "\(outcome.log.suffix(1000))")
            #expect(outcome.log.contains("copying smaller tables tables=260"))
            #expect(outcome.log.split(separator: "\n").count < 100)
            #expect(outcome.log.split(separator: "\n").allSatisfy { $0.utf8.count < 1000 })
        }
    }

    @Test("a publication that does not exist, or patterns that select nothing")
    func publications() async throws {
        try await Pair.with(schema: Self.schema) { pair in
            try await pair.onSource("create publication empty")

            let absent = try await pair.expectRefusal(
                6, "no publication", "There are: empty", options: ["--publication", "absent"])
            #expect(!absent.log.contains("for all tables"))
            try await pair.expectRefusal(
                6, "match no table: --tables absent*", "public.t",
                options: ["--tables", "absent*"])
        }
    }

    @Test("a publication of the stream's name that somebody else made")
    func foreignPublication() async throws {
        try await Pair.with(schema: Self.schema) { pair in
            try await pair.onSource("create publication \(pair.objectName) for table t")

            try await pair.expectRefusal(6, pair.objectName, "not for this stream")
        }
    }

    @Test("binary form where it is not safe")
    func unsafeBinary() async throws {
        let schema = "create table t (id int primary key, m money)"
        try await Pair.with(schema: schema) { pair in
            try await pair.expectRefusal(6, "public.t.m", options: ["--binary", "on"])
        }
    }

    @Test("a state folder that cannot be written")
    func stateFolder() async throws {
        try await Pair.with(schema: Self.schema) { pair in
            let file = "\(LeatProcess.folder)/file-\(pair.database)"
            try Data().write(to: URL(fileURLWithPath: file))
            try await pair.expectRefusal(9, file, options: ["--state-dir", "\(file)/state"])
        }
    }

    @Test("publications with any name are found again")
    func oddPublicationNames() async throws {
        try await Pair.with(schema: Self.schema, rows: "insert into t values (1)") { pair in
            let name = #"my: "odd", it's {pub}\ "#
            try await pair.onSource(
                "create publication \"\(name.replacing("\"", with: "\"\""))\" for table t")

            try await pair.catchUp("--publication", name)
            try await pair.onSource("insert into t values (2)")
            try await pair.catchUp("--publication", name)

            try await pair.expectEqual()
            let cleanup = try await pair.leat(["cleanup", "--yes"] + pair.places)
            #expect(cleanup.exitCode == 0, "\(cleanup.log)")
            #expect(try await pair.sourceValue("select pubname from pg_publication") == name)
        }
    }
}
