import LeatTestSupport
import Testing

@Suite("A table that is altered on the source")
struct ColumnChangeTests {
    /// DDL and changes that follow it, all on the source.
    struct Change: Sendable, CustomTestStringConvertible {
        var name: String
        var sql: String
        /// In the log of the stop.
        var words: [String] = []

        var testDescription: String { name }
    }

    private static let schema = """
        create type mood as enum ('sad', 'ok');
        create table t (id int primary key, v varchar(20), n int, m mood, d text, c varchar(20));
        create table other (id int primary key);
        """
    private static let rows = """
        insert into t select i, 'v' || i, i, 'ok', (i * 7)::text, i::text from generate_series(1, 9) i;
        """

    private static let stopping = [
        Change(
            name: "a column is added",
            sql: "alter table t add x numeric(6, 2); update t set x = 1.5 where id < 4",
            words: ["column x is missing"]),
        Change(
            name: "a column is added with a constant default, which fills the rows that are there",
            sql: """
                alter table t add "the x" text not null default 'it''s; \\new';
                insert into t (id) values (10)
                """,
            words: ["column the x is missing", "not null"]),
        Change(
            name: "a column of a new enum, a new domain and a new composite type is added",
            sql: """
                create type late as enum ('a', 'it''s');
                create domain score as numeric(5, 1);
                create type pair as ("left one" int, r text);
                alter table t add l late, add s score, add p pair, add ls late[];
                update t set l = 'it''s', s = 1.5, p = row(1, 'x'), ls = '{a}' where id = 3
                """,
            words: ["create type \"public\".\"late\" as enum"]),
        Change(
            name: "a column's type is widened",
            sql: "alter table t alter v type text; update t set v = repeat('x', 30) where id = 2",
            words: ["column v is text"]),
        Change(
            name: "a column's type becomes larger",
            sql: "alter table t alter n type bigint; update t set n = 1 << 40 where id = 2",
            words: ["column n is int8"]),
        Change(
            name: "a column's type becomes another one",
            sql: "alter table t alter c type int using c::int; update t set c = 5 where id = 2",
            words: ["column c is int4", "using \"c\"::text::int4;"]),
        Change(
            name: "a column is renamed",
            sql: "alter table t rename v to w; update t set w = 'u' where id < 4",
            words: ["column v is called w on the source"]),
        Change(
            name: "two columns of one type swap their names",
            sql: """
                alter table t rename v to tmp; alter table t rename d to v;
                alter table t rename tmp to d; alter table t alter v type text;
                update t set v = 'V' where id = 1; update t set d = 'D' where id = 2
                """,
            words: ["column v is called d", "column d is called v"]),
        Change(
            name: "a column takes the name of one that is dropped",
            sql: """
                update t set d = 'kept'; alter table t drop v; alter table t rename d to v;
                update t set v = 'new' where id = 1
                """,
            words: ["column d is called v", "steps aside as leat_dropped_2"]),
        Change(
            name: "the identity's column is renamed",
            sql: """
                alter table t rename id to key; update t set v = 'k' where key = 1;
                delete from t where key = 2; update t set key = 100 where key = 3
                """,
            words: ["column id is called key"]),
        Change(
            name: "an enum gets values, in the middle and at its end",
            sql: "alter type mood add value 'so-so' before 'ok'; alter type mood add value 'fine'",
            words: [
                "alter type \"public\".\"mood\" add value 'so-so' after 'sad';",
                "alter type \"public\".\"mood\" add value 'fine' after 'ok';",
            ]),
        Change(
            name: "a value of an enum takes another name, and one is added",
            sql: """
                alter type mood rename value 'ok' to 'o''key';
                alter type mood add value 'fine' before 'sad';
                update t set m = 'o''key' where id = 1
                """,
            words: [
                "alter type \"public\".\"mood\" rename value 'ok' to 'o''key';",
                "alter type \"public\".\"mood\" add value 'fine' before 'sad';",
            ]),
        Change(
            name: "an enum is renamed",
            sql: "alter type mood rename to humour; update t set m = 'sad' where id = 1",
            words: ["alter type \"public\".\"mood\" rename to \"humour\";"]),
    ]

    /// New values of an enum cannot be used in the transaction that adds them, and one that has
    /// the old name of a value as well as the new one fits no target.
    private func apply(_ change: Change, _ pair: Pair) async throws {
        if change.name.contains("value of an enum takes") {
            try await pair.onSource("update t set n = n + 1")
            try await pair.onSource("\(change.sql); insert into other values (1)")
            return
        }
        try await pair.onSource(
            "update t set n = n + 1; \(change.sql); insert into other values (1)")
        guard change.name.contains("gets values") else { return }
        try await pair.onSource("update t set m = 'so-so' where id = 1")
        try await pair.onSource("update t set m = 'fine' where m < 'ok'")
    }

    @Test(
        "stops a stream that flows, and goes on with the statement that it names",
        arguments: stopping)
    func whileStreaming(_ change: Change) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)

            try await apply(change, pair)

            // An enum's name is not in the stream: it matters from the next start on.
            if change.name.contains("enum is renamed") {
                try await pair.waitUntilApplied()
                #expect(try await leat.terminate() == 0)
                try await pair.onSource("update t set m = 'ok' where id = 1")
            } else {
                #expect(try await leat.waitForExit() == 7, "\(leat.log)")
                for word in change.words { #expect(leat.log.contains(word), "\(leat.log)") }
            }
            try await pair.expectStopAndMend("Stopped at 0/")
            try await dropAside(pair)
            try await pair.expectEqual()
        }
    }

    private func dropAside(_ pair: Pair) async throws {
        try await pair.onTarget("alter table t drop column if exists leat_dropped_2")
    }

    @Test(
        "while Leat is down, with older changes still to come, stops where it happened",
        arguments: stopping)
    func whileDown(_ change: Change) async throws {
        let versions = Pair.Versions(.v18, .v15)
        try await Pair.with(versions, schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource("delete from t where id = 9; insert into t values (20, 'old')")

            try await apply(change, pair)

            let stopped = try await pair.sync("--endpos", "now")
            #expect(stopped.exitCode == 7, "\(stopped.log)")
            for word in change.words { #expect(stopped.log.contains(word), "\(stopped.log)") }
            try await pair.expectStopAndMend("Stopped at 0/")
            try await dropAside(pair)
            try await pair.expectEqual()
        }
    }

    @Test(
        "needs no stop if the target was altered first, while older changes are still to come",
        arguments: stopping.filter { change in
            ["swap", "takes"].allSatisfy { !change.name.contains($0) }
        })
    func onTargetFirst(_ change: Change) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource("delete from t where id = 9; insert into t values (20, 'old')")
            let ddl = change.sql.split(separator: ";").map {
                $0.trimmingPrefix(while: \.isWhitespace)
            }
            .filter { $0.hasPrefix("alter") || $0.hasPrefix("create") }
            if !change.name.contains("default") {
                try await pair.onTarget(ddl.joined(separator: ";"))
            } else {
                try await pair.onTarget(
                    "alter table t add \"the x\" text not null default 'it''s; \\new'")
            }

            try await apply(change, pair)

            try await pair.catchUp()
            try await pair.expectEqual()
        }
    }

    @Test("columns of types that extensions make: the extensions come first, in their schemas")
    func extensions() async throws {
        let versions = Pair.Versions(.v15, .v15)
        try await Pair.with(versions, schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource(
                """
                create schema ext; create extension hstore schema ext; create extension citext;
                create domain email as citext;
                alter table t add h ext.hstore[], add e email;
                update t set h = array['a=>1'::ext.hstore], e = 'A' where id = 1
                """)

            try await pair.expectStopAndMend(
                "create extension if not exists \"hstore\" with schema \"ext\";",
                "create extension if not exists \"citext\" with schema \"public\";")

            #expect(try await pair.targetValue("select h::text || e from t where id = 1") != nil)
        }
    }

    private static let continuing = [
        Change(name: "identity full", sql: "alter table t replica identity full"),
        Change(
            name: "identity by index",
            sql: """
                create unique index by_n on t (n); alter table t alter n set not null;
                alter table t replica identity using index by_n
                """),
        Change(
            name: "another primary key",
            sql: "alter table t drop constraint t_pkey; alter table t add primary key (id, n)"),
        Change(name: "a rewrite by vacuum full", sql: ""),
        Change(
            name: "defaults and constraints",
            sql: """
                alter table t alter v set default 'x', add check (n > -100),
                  alter column d set storage external, alter n set statistics 5
                """),
        Change(
            name: "a new default in a column dropped and added on both sides",
            sql: "alter table t drop d; alter table t add d text"),
    ]

    @Test(
        "in a way that does not matter to the target goes on without a stop", arguments: continuing)
    func goesOn(_ change: Change) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            if change.sql.contains("drop d") { try await pair.onTarget(change.sql) }

            for round in 1...2 {
                try await pair.onSource("update t set v = 'r' || id where id % 2 = 0")
                if round == 1 {
                    if change.sql.isEmpty { try await pair.onSource("vacuum full t") }
                    try await pair.onSource(change.sql)
                }
                try await pair.onSource(
                    """
                    update t set n = n + 100, v = 'x' where id = \(round);
                    update t set id = id + 1000 where id = \(round + 2);
                    insert into t values (\(round + 50), 'new', \(round)); delete from t where id = \(round + 5)
                    """)
            }
            try await pair.waitUntilApplied()

            try await pair.expectEqual()
            #expect(try await leat.terminate() == 0, "\(leat.log)")
        }
    }

    @Test("a composite type gets a field, which is named at the next start")
    func compositeField() async throws {
        let schema = """
            create type item as (name text, n int); create domain entry as item;
            create table t (id int primary key, items item[], one entry);
            """
        let rows = "insert into t values (1, array[row('a', 1)::item], row('b', 2)::entry)"
        try await Pair.with(schema: schema, rows: rows) { pair in
            try await pair.catchUp()
            try await pair.onSource("alter type item add attribute price numeric(8,2)")
            try await pair.onSource(
                "update t set one = row('c', 3, 1.50)::entry; insert into t values (2, '{}', null)"
            )

            try await pair.expectStopAndMend(
                "alter type \"public\".\"item\" add attribute \"price\" numeric(8,2);")

            try await pair.expectEqual()
            let one = try await pair.targetValue("select one::text from t where id = 1")
            #expect(one == "(c,3,1.50)")
        }
    }

    @Test("no identity any more: inserts go on, the source refuses the rest itself")
    func identityNothing() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)

            try await pair.onSource("alter table t replica identity nothing")
            try await pair.onSource("insert into t values (50, 'new')")
            await #expect(throws: TestSupportError.self) {
                try await pair.onSource("delete from t")
            }
            try await pair.onSource(
                "alter table t replica identity default; delete from t where n = 5")
            try await pair.waitUntilApplied()

            try await pair.expectEqual()
            #expect(try await leat.terminate() == 0, "\(leat.log)")
        }
    }

    @Test("a default that is not constant cannot be made up for, which is said")
    func volatileDefault() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource(
                "alter table t add u uuid default gen_random_uuid(); update t set v = 'x'")

            let stopped = try await pair.sync("--endpos", "now")

            #expect(stopped.exitCode == 7, "\(stopped.log)")
            #expect(stopped.log.contains("has the default gen_random_uuid()"))
            #expect(stopped.log.contains("the table must be copied anew"))
            // The way that it names.
            try await pair.onTarget("alter table t add u uuid")
            try await pair.catchUp("--exclude", "public.t")
            try await pair.catchUp("--truncate", "--yes")
            try await pair.expectEqual()
        }
    }

    /// Types whose values are still in the WAL when they are dropped.
    private static let dropped = [
        Change(
            name: "an enum that both sides had",
            sql:
                "create type gone as enum ('a', 'b'); alter table t add y gone; alter table t add z gone[]",
            words: []),
        Change(
            name: "a domain that both sides had",
            sql: "create domain gone as text; alter table t add y gone", words: []),
    ]

    @Test("a type that was dropped since: its values are still right", arguments: dropped)
    func droppedType(_ change: Change) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.both(change.sql)
            try await pair.catchUp()
            try await pair.onSource("update t set y = 'a' where id < 4")
            try await pair.onSource("drop type gone cascade; update t set v = 'later' where id > 4")

            try await pair.catchUp()

            #expect(try await pair.targetValue("select count(*) from t where y = 'a'") == "3")
            try await pair.onTarget("drop type gone cascade")
            try await pair.expectEqual()
        }
    }

    @Test(
        "a type that was dropped since and that the target lacks, or cannot compare, stops once",
        arguments: [
            "create type gone as enum ('a')", "create domain gone as text",
            "create type gone as (a text)",
        ])
    func droppedTypeStops(_ create: String) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let isComposite = create.contains("(a text)")
            try await pair.onSource("\(create); alter table t add y gone")
            if isComposite { try await pair.onTarget("\(create); alter table t add y gone") }
            let copied = try await pair.sync("--endpos", "now", "--tables", "other")
            #expect(copied.exitCode == 0)
            if !isComposite {
                try await pair.onSource("alter table t drop y")
                try await pair.catchUp()
                try await pair.onSource("alter table t add y gone")
            } else {
                try await pair.catchUp()
            }
            let value = isComposite ? "row('a')" : "'a'"
            try await pair.onSource("update t set y = \(value) where id < 4")
            try await pair.onSource("drop type gone cascade; update t set v = 'later' where id > 4")

            let stopped = try await pair.sync("--endpos", "now")

            #expect(stopped.exitCode == 7, "\(stopped.log)")
            #expect(stopped.log.contains("column y"), "\(stopped.log)")
            #expect(!stopped.log.contains("Trying again"))
            try await pair.onTarget(
                "alter table t drop column if exists y; alter table t add y text")
            try await pair.catchUp()
            let expected = isComposite ? "(a)" : "a"
            #expect(
                try await pair.targetValue("select count(*) from t where y = '\(expected)'") == "3")
            try await pair.onTarget("alter table t drop y")
            try await pair.expectEqual()
        }
    }

    /// They come again: what the later ones are about is not so there yet.
    @Test("changes behind the one that stops teach nothing of their tables")
    func taughtBehindStop() async throws {
        let schema = """
            create table t (id int primary key, v text, z text);
            create table o (id int primary key);
            """
        try await Pair.with(schema: schema, rows: "insert into t values (1, 'v', 'z')") { pair in
            try await pair.catchUp()
            for statement in [
                "alter table o add c int", "insert into o values (1, 1)",
                "insert into t values (2, 'v', 'z')", "alter table t drop z",
                "insert into t values (3, 'v')",
            ] { try await pair.onSource(statement) }

            let stopped = try await pair.sync("--endpos", "now")
            #expect(stopped.exitCode == 7, "\(stopped.log)")
            #expect(stopped.log.contains("column c is missing"), "\(stopped.log)")
            try await pair.onTarget("alter table o add c int")
            try await pair.catchUp()

            try await pair.onTarget("alter table t drop z")
            try await pair.expectEqual()
        }
    }

    /// The rows are not sent again, so the next start must know what they were read by.
    @Test("what rows were read by is stored with them, also where the batch ends with a conflict")
    func taughtBeforeConflict() async throws {
        let schema = """
            create table t (id int primary key, p int);
            create table o (id int primary key, v int not null);
            """
        try await Pair.with(schema: schema, rows: "insert into t values (1, 1)") { pair in
            try await pair.catchUp()
            for statement in [
                "alter table t add c text", "insert into t values (2, 2, 'two')",
                "update t set c = 'one' where id = 1", "alter table o alter v drop not null",
                "insert into o values (1, null)", "alter table t drop p",
                "alter table t rename c to p", "insert into t values (3, 'three')",
            ] { try await pair.onSource(statement) }
            let missing = try await pair.sync("--endpos", "now")
            #expect(missing.log.contains("column c is missing"), "\(missing.log)")
            try await pair.onTarget("alter table t add c text")
            let conflict = try await pair.sync("--endpos", "now")
            #expect(conflict.log.contains("constraint_failed"), "\(conflict.log)")
            #expect(try await pair.targetValue("select count(*) from t where c is not null") == "2")
            try await pair.onTarget("alter table o alter v drop not null")

            let renamed = try await pair.sync("--endpos", "now")

            #expect(renamed.exitCode == 7, "\(renamed.log)")
            #expect(renamed.log.contains("column c is called p on the source"), "\(renamed.log)")
            try await pair.onTarget(
                """
                alter table t rename column p to leat_dropped_2;
                alter table t rename column c to p
                """)
            try await pair.catchUp()
            try await pair.onTarget("alter table t drop leat_dropped_2")
            try await pair.expectEqual()
        }
    }
}
