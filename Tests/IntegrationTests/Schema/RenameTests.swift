import Foundation
import LeatTestSupport
import Testing

/// `--rename`: what has another name on the target.
@Suite("Renames on the way")
struct RenameTests {
    private static let schema = """
        create table users (id serial primary key, mail text unique, gone int default 0);
        create table orders (id int generated always as identity primary key,
          user_id int references users, note text, upper text generated always as (upper(note)) stored);
        create table plain (a text, b text); alter table plain replica identity full;
        create table "Odd.Name" (id int primary key, "Ünder""score" text);
        create sequence numbers;
        """
    private static let rows = """
        insert into users (mail) select 'u' || i from generate_series(1, 50) i;
        insert into orders (user_id, note) select i, 'n' || i from generate_series(1, 50) i;
        insert into plain values ('a', 'b'), ('a', 'b'), (null, 'c');
        insert into "Odd.Name" values (1, 'x'), (2, null); select setval('numbers', 77);
        """

    /// Changes of all kinds, by round: few, which go one by one, and many, which go as sets.
    private static func changes(_ round: Int) -> [String] {
        [
            """
            insert into users (mail) values ('new\(round)'); update users set gone = 1 where id = 2;
            update users set id = 1000 + \(round) where id = \(40 + round) and not exists
              (select from orders where user_id = \(40 + round))
            """,
            "delete from orders where id = \(round); delete from plain where a is null",
            """
            insert into plain values ('a', 'z'); update plain set b = 'y' where b = 'z';
            update "Odd.Name" set "Ünder""score" = 'r\(round)' where id = 1
            """,
            """
            insert into users (mail) select 'm\(round)-' || i from generate_series(1, 400) i;
            update users set mail = mail || '!' where id > 60; delete from users where id between 70 and 90
            """,
            "truncate plain; insert into plain values ('t', '\(round)'); select nextval('numbers')",
        ]
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var rules: [String]
        /// What gives the target its names, made as the source is.
        var target: String
        /// Names of tables on both sides.
        var tables: [String: String] = [:]
        var sequences: [String: String] = [:]
        var versions = Pair.Versions(.v16, .v16)

        var testDescription: String { rules.joined(separator: " ") }
        var options: [String] { rules.flatMap { ["--rename", $0] } }
    }

    private static let cases = [
        Case(
            rules: ["public=app"],
            target: "alter schema public rename to app; create schema public",
            tables: [
                "users": "app.users", "orders": "app.orders", "plain": "app.plain",
                #""Odd.Name""#: #"app."Odd.Name""#,
            ],
            sequences: [
                "users_id_seq": "app.users_id_seq", "numbers": "app.numbers",
                "orders_id_seq": "app.orders_id_seq",
            ], versions: .init(.v15, .v18)),
        Case(
            rules: [
                "public.users=app.accounts", "public.users.mail=email,public.users.id=account",
                "public.orders.note=remark", "public.numbers=app.counter",
            ],
            target: """
                create schema app; alter table users set schema app;
                alter table app.users rename to accounts;
                alter table app.accounts rename column mail to email;
                alter table app.accounts rename column id to account;
                alter table orders rename column note to remark;
                alter sequence numbers set schema app; alter sequence app.numbers rename to counter
                """,
            tables: ["users": "app.accounts"],
            sequences: ["users_id_seq": "app.users_id_seq", "numbers": "app.counter"]),
        Case(
            rules: [
                #"public."Odd.Name"="App 1"."To=x""#,
                #"public."Odd.Name"."Ünder""score"="b.c,d""#, "public.plain.a=b",
                "public.plain.b=a",
                "public.users=public.orders", "public.orders=public.users",
            ],
            target: """
                create schema "App 1"; alter table "Odd.Name" set schema "App 1";
                alter table "App 1"."Odd.Name" rename to "To=x";
                alter table "App 1"."To=x" rename column "Ünder""score" to "b.c,d";
                alter table plain rename column a to x; alter table plain rename column b to a;
                alter table plain rename column x to b;
                alter table users rename to x; alter table orders rename to users;
                alter table x rename to orders
                """,
            tables: [
                #""Odd.Name""#: #""App 1"."To=x""#, "users": "orders", "orders": "users",
            ], versions: .init(.v18, .v15)),
    ]

    /// Names do not count: rows are compared by their columns in order.
    private static func expectEqual(
        _ pair: Pair, _ names: [String: String], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for table in ["users", "orders", "plain", #""Odd.Name""#] {
            func rows(_ name: String) -> String {
                "select count(*) || string_agg(t::text, ';' order by t::text) from \(name) t"
            }
            let left = try await pair.sourceValue(rows(table))
            let right = try await pair.targetValue(rows(names[table] ?? table))
            #expect(left != nil && left == right, "\(table)", sourceLocation: sourceLocation)
        }
    }

    @Test("hold for the copy, the stream, its later starts, status and sequences", arguments: cases)
    func everywhere(_ example: Case) async throws {
        try await Pair.with(example.versions, schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onTarget(example.target)
            try await pair.catchUp(options: example.options)
            try await Self.expectEqual(pair, example.tables)
            for (round, more) in [[], ["--net-changes", "off"], ["--role", "plain"]].enumerated() {
                for sql in Self.changes(round + 1) { try await pair.onSource(sql) }
                try await pair.catchUp(options: example.options + more)
                try await Self.expectEqual(pair, example.tables)
            }
            for (source, target) in example.sequences {
                let next = "select last_value::text || is_called from"
                #expect(
                    try await pair.sourceValue("\(next) \(source)")
                        == pair.targetValue("\(next) \(target)"), "\(source)")
            }
            // Whoever knows tables by their names on the source finds them so.
            #expect(
                try await pair.targetValue(
                    """
                    select string_agg(schema_name || '.' || table_name, ' ' order by table_name)
                    from leat.tables where state = 'ready'
                    """) == "public.Odd.Name public.orders public.plain public.users")
            let status = ["status", "--target", pair.target.conninfo(database: pair.database)]
            let json = try await pair.leat(status + ["--json"]).output.filter { $0 != "\\" }
            let text = try await pair.leat(status).output
            for (source, target) in example.tables {
                let (source, target) = (
                    "public." + source.filter { $0 != "\"" },
                    (target.contains(".") ? "" : "public.") + target.filter { $0 != "\"" }
                )
                #expect(text.contains("\(source) -> \(target)"), "\(text)")
                #expect(json.contains("\"target\" : \"\(target)\""), "\(json)")
            }
        }
    }

    @Test("that cannot be are refused before anything is made")
    func refused() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onTarget("alter table users add column email text")
            for (rules, code, words) in [
                (["users=a"], Int32(6), "name nothing that is followed: users=a"),
                (["public.userz=public.users2"], 6, "Perhaps: --rename public.users=public.users2"),
                (["public.users.maill=email"], 6, "--rename public.users.mail=email"),
                (["public.users=public.orders"], 6, "would go to table public.orders"),
                (
                    ["public.users.mail=gone"], 6,
                    "columns mail and gone would both go to column gone"
                ),
                (["public.users.mail=none"], 6, "column none is missing on the target"),
                (["public.users=a.b", "public.users=a.c"], 2, "names table public.users twice"),
                (["public.*=app.*"], 2, "is no rename"),
            ] {
                let outcome = try await pair.leat(
                    ["sync"] + pair.places + ["--copy-only"] + rules.flatMap { ["--rename", $0] })
                #expect(outcome.exitCode == code, "\(rules) \(outcome.log)")
                #expect(outcome.log.contains(words), "\(rules) \(outcome.log)")
            }
            #expect(
                try await pair.sourceValue(
                    "select count(*) from pg_replication_slots where database = current_database()")
                    == "0")
        }
    }

    @Test("of tables that the target lacks come with what makes them", arguments: [true, false])
    func missing(isBare: Bool) async throws {
        try await Pair.with { pair in
            try await pair.onSource(Self.schema + Self.rows)
            if !isBare { try await pair.onTarget("create table other (id int)") }
            let options = [
                "--rename", "public.users=app.accounts,public.users.mail=email",
                "--rename", "public.plain=app.plain", "--rename",
                "public.plain.a=b,public.plain.b=a",
            ]
            let outcome = try await pair.leat(
                ["sync"] + pair.places + ["--copy-only"] + options)
            #expect(outcome.exitCode == 6, "\(outcome.log)")
            for line in outcome.log.split(separator: "\n").map({ $0.drop { $0 == " " } })
            where line.hasPrefix("pg_dump") || line.hasPrefix("psql") {
                try await pair.shell(String(line))
            }
            try await pair.catchUp(options: options)
            try await Self.expectEqual(pair, ["users": "app.accounts", "plain": "app.plain"])
        }
    }

    @Test("lead partitions by their schema, or one by one", arguments: [true, false])
    func partitions(viaRoot: Bool) async throws {
        let tables = """
            create table parts (id int, k int, primary key (id, k)) partition by range (k);
            create table parts_1 partition of parts for values from (0) to (10);
            create table parts_2 partition of parts for values from (10) to (20);
            """
        try await Pair.with(
            schema: tables, rows: "insert into parts select i, i from generate_series(0, 19) i"
        ) { pair in
            try await pair.onSource(
                """
                create publication pub for table parts
                  with (publish_via_partition_root = \(viaRoot))
                """)
            try await pair.onTarget(
                """
                create schema app; alter table parts set schema app;
                alter table parts_1 set schema app; alter table parts_2 set schema app;
                alter table app.parts_2 rename to second; alter table app.parts rename column k to key
                """)
            let columns = viaRoot ? ["parts"] : ["parts_1", "parts_2"]
            let options =
                ["--publication", "pub", "--rename", "public=app"]
                + ["--rename", "public.parts_2=app.second"]
                + columns.flatMap { ["--rename", "public.\($0).k=key"] }
            func expectEqual() async throws {
                let rows = "select string_agg(t::text, ';' order by t::text) from"
                #expect(
                    try await pair.sourceValue("\(rows) parts t")
                        == pair.targetValue("\(rows) app.parts t"))
            }
            try await pair.catchUp(options: options)
            try await expectEqual()
            try await pair.onSource(
                """
                update parts set id = id + 100 where k in (3, 13); delete from parts where k = 4;
                update parts set k = k + 10 where k = 5; truncate \(viaRoot ? "parts" : "parts_2");
                insert into parts values (1, 12)
                """)
            try await pair.catchUp(options: options)
            try await expectEqual()
            guard viaRoot else { return }
            try await pair.onSource(
                """
                create table parts_3 partition of parts for values from (20) to (30);
                insert into parts values (25, 25)
                """)
            let arguments = ["sync"] + pair.places + ["--endpos", "now"] + options
            let stopped = try await pair.leat(arguments)
            #expect(
                stopped.log.contains(
                    #"create table "app"."parts_3" partition of "app"."parts" FOR VALUES"#),
                "\(stopped.log)")
            try await pair.mend(stopped.log)
            try await pair.catchUp(options: options)
            try await expectEqual()
        }
    }

    @Test("are in what is recorded of conflicts, and in what stops")
    func conflicts() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onTarget(
                """
                create schema app; alter table users set schema app;
                alter table app.users rename to accounts;
                alter table app.accounts rename column mail to email
                """)
            let options = [
                "--rename", "public.users=app.accounts", "--rename", "public.users.mail=email",
            ]
            try await pair.catchUp(options: options)
            try await pair.onTarget(
                "set session_replication_role = replica; delete from app.accounts where id = 50")
            try await pair.onSource("update users set mail = 'changed' where id = 50")
            try await pair.catchUp(options: options + ["--on-conflict", "update_missing=apply"])
            #expect(
                try await pair.targetValue("select email from app.accounts where id = 50")
                    == "changed")
            let list = [
                "conflicts", "list", "--target", pair.target.conninfo(database: pair.database),
            ]
            let text = try await pair.leat(list + ["--table", "users"]).output
            #expect(text.contains("public.users -> app.accounts"), "\(text)")
            let json = try await pair.leat(list + ["--json"]).output
            #expect(json.contains("\"target_table_name\" : \"accounts\""), "\(json)")
            #expect(json.contains("\"table\" : \"public.users\""), "\(json)")

            // What stops names the target's names in its statements.
            try await pair.onSource(
                "alter table users add column since date; update users set since = '2026-01-01'")
            let stopped = try await pair.leat(
                ["sync"] + pair.places + ["--endpos", "now"] + options)
            #expect(stopped.exitCode == 7, "\(stopped.log)")
            #expect(
                stopped.log.contains(
                    "Table public.users (app.accounts on the target) does not fit"),
                "\(stopped.log)")
            try await pair.mend(stopped.log)
            try await pair.catchUp(options: options)
            try await Self.expectEqual(pair, ["users": "app.accounts"])
        }
    }

    @Test("of an archive are made by its replay")
    func replayed() async throws {
        let columns = "public.users.mail=email,public.plain.a=b,public.plain.b=a"
        let options = [
            "--rename", "public.users=app.accounts", "--rename", columns, "--rename",
            "public=other",
        ]
        try await Staging.with(schema: Self.schema, onTarget: false, rows: Self.rows) { staging in
            let pair = staging.pair
            try await pair.onTarget(
                """
                create schema app; create schema other; set search_path to other; \(Self.schema)
                alter table users set schema app; alter table app.users rename to accounts;
                alter table app.accounts rename column mail to email;
                alter table plain rename column a to x; alter table plain rename column b to a;
                alter table plain rename column x to b;
                create table late (id int primary key, v text)
                """)
            try await staging.record("--with-base")
            for sql in Self.changes(1) { try await pair.onSource(sql) }
            try await pair.onSource("create table late (id int primary key, v text)")
            try await staging.record()
            try await pair.onSource("insert into late values (1, 'x')")
            try await staging.record()
            let first = try await pair.leat(staging.replayArguments(options))
            #expect(first.exitCode == 0, "\(first.log)")
            for sql in Self.changes(2) { try await pair.onSource(sql) }
            try await staging.record()
            let second = try await pair.leat(staging.replayArguments(options))
            #expect(second.exitCode == 0, "\(second.log)")
            let names = [
                "users": "app.accounts", "orders": "other.orders", "plain": "other.plain",
                #""Odd.Name""#: #"other."Odd.Name""#,
            ]
            try await Self.expectEqual(pair, names)
            #expect(try await pair.targetValue("select v from other.late") == "x")

            let changed = try await pair.leat(staging.replayArguments([]))
            #expect(changed.exitCode == 6, "\(changed.log)")
            #expect(changed.log.contains("by --rename, and is app.accounts"), "\(changed.log)")
            let rewound = try await pair.leat(
                staging.replayArguments(options + ["--rewind", "--yes"]))
            #expect(rewound.exitCode == 0, "\(rewound.log)")
            try await Self.expectEqual(pair, names)
        }
    }

    @Test("of an archive's own schema are made with it")
    func schemaOfABase() async throws {
        try await Staging.with(schema: Self.schema, onTarget: false, rows: Self.rows) { staging in
            try await staging.record("--with-base")
            let outcome = try await staging.pair.leat(
                staging.replayArguments([
                    "--schema", "--rename", "public=app,public.users=other.accounts",
                    "--rename", "public.users.mail=email,public.numbers=other.counter",
                ]))
            #expect(outcome.exitCode == 0, "\(outcome.log)")
            try await Self.expectEqual(
                staging.pair,
                [
                    "users": "other.accounts", "orders": "app.orders", "plain": "app.plain",
                    #""Odd.Name""#: #"app."Odd.Name""#,
                ])
            #expect(
                try await staging.pair.targetValue("select last_value from other.counter") == "77")
        }
    }

    private static let typed = """
        create type mood as enum ('sad', 'ok'); create domain positive as int;
        create type pair as (a mood, "B" positive, c mood[]); create type span as range (subtype = float8);
        create table typed (id int primary key, m mood, ms mood[], p positive, c pair, s span,
          cs pair[]);
        create table others (id int primary key, typed_id int);
        """
    private static let typedRows = """
        insert into typed values (1, 'ok', '{sad,ok}', 5, row('sad', 3, '{ok}'), '[1,2)',
          array[row('ok', 4, null)::pair]);
        insert into others values (1, 2);
        """

    private static func expectTyped(
        _ pair: Pair, in schema: String = "app", sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let rows = "select string_agg(t::text, ';' order by id) from"
        let (left, right) = (
            try await pair.sourceValue("\(rows) typed t"),
            try await pair.targetValue("\(rows) \(schema).typed t")
        )
        #expect(left != nil && left == right, sourceLocation: sourceLocation)
    }

    @Test(
        "of a schema hold for its types, whether these have moved or not", arguments: [true, false])
    func types(haveMoved: Bool) async throws {
        try await Pair.with(schema: Self.typed, rows: Self.typedRows) { pair in
            try await pair.onTarget(
                haveMoved
                    ? "alter schema public rename to app; create schema public"
                    : """
                    create schema app; alter table typed set schema app;
                    alter table others set schema app
                    """)
            let options = ["--rename", "public=app"]
            try await pair.catchUp(options: options)
            try await Self.expectTyped(pair)
            try await pair.onSource(
                "insert into typed select 2, m, ms, p, c, s, cs from typed where id = 1")
            try await pair.catchUp(options: options)
            try await Self.expectTyped(pair)
            let place = haveMoved ? "app" : "public"
            for (sql, mend) in [
                (
                    "alter type mood add value 'glad'; update typed set m = 'glad' where id = 2",
                    #"alter type "\#(place)"."mood" add value 'glad' after 'ok';"#
                ),
                (
                    """
                    create type color as enum ('red'); alter table typed add column k color;
                    update typed set k = 'red' where id = 1
                    """, #"create type "app"."color" as enum ('red');"#
                ),
            ] {
                for statement in sql.split(separator: ";") {
                    try await pair.onSource("\(statement)")
                }
                let stopped = try await pair.leat(
                    ["sync"] + pair.places + ["--endpos", "now"] + options)
                #expect(stopped.log.contains(mend), "\(stopped.log)")
                try await pair.mend(stopped.log)
                try await pair.catchUp(options: options)
                try await Self.expectTyped(pair)
            }
        }
    }

    @Test("of an archive's own schema hold for types, and for constraints that come after the rows")
    func constraintsOfABase() async throws {
        let late = """
            alter table typed add constraint late check (p > 10) not valid;
            comment on constraint late on typed is 'it''s late';
            alter domain positive add constraint most check (value > 10) not valid;
            alter table others add foreign key (typed_id) references typed not valid;
            """
        try await Staging.with(
            schema: Self.typed, onTarget: false, rows: Self.typedRows + late
        ) { staging in
            let (pair, options) = (
                staging.pair,
                [
                    "--rename", "public=app,public.typed=app.kinds", "--rename",
                    "public.typed.p=\"Positive\"",
                ]
            )
            try await staging.record("--with-base")
            let first = try await pair.leat(staging.replayArguments(["--schema"] + options))
            #expect(first.exitCode == 0, "\(first.log)")
            let found = try await pair.targetValue(
                """
                select string_agg(concat_ws(' ', nullif(conrelid, 0)::regclass,
                  nullif(contypid, 0)::regtype, pg_get_constraintdef(oid), obj_description(oid)),
                  '; ' order by conname) from pg_constraint where not convalidated
                """)
            #expect(
                found == """
                    app.kinds CHECK ((("Positive")::integer > 10)) NOT VALID it's late; \
                    app.positive CHECK ((VALUE > 10)) NOT VALID; \
                    app.others FOREIGN KEY (typed_id) REFERENCES app.kinds(id) NOT VALID
                    """)
            #expect(
                try await pair.targetValue(
                    "select count(*) from pg_type where typnamespace = 'public'::regnamespace")
                    == "0")
            try await pair.onSource("insert into typed (id, m, p) values (2, 'sad', 11)")
            try await staging.record()
            let second = try await pair.leat(staging.replayArguments(options))
            #expect(second.exitCode == 0, "\(second.log)")
            let rows = "select string_agg(t::text, ';' order by id) from"
            #expect(
                try await pair.sourceValue("\(rows) typed t")
                    == pair.targetValue("\(rows) app.kinds t"))
        }
    }

    private static let moves = """
        create schema app; alter table users set schema app; alter table app.users rename to accounts
        """

    @Test("that change between starts are refused until the target's table has the name")
    func changed() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            for (from, to) in [
                ("public.users", "app.accounts"), ("app.accounts", "app.people"),
                ("app.people", "public.users"),
            ] {
                let options = to == "public.users" ? [] : ["--rename", "public.users=\(to)"]
                try await pair.onSource("insert into users (mail) values ('\(to)')")
                let arguments = ["sync"] + pair.places + ["--endpos", "now"]
                if from == "public.users" { try await pair.onTarget("create schema app") }
                let stopped = try await pair.leat(arguments + options)
                #expect(stopped.exitCode == 6, "\(stopped.log)")
                #expect(
                    stopped.log.contains(
                        "Table public.users goes to \(to) by --rename, and is \(from)"),
                    "\(stopped.log)")
                // As it was, it goes on.
                let before = from == "public.users" ? [] : ["--rename", "public.users=\(from)"]
                try await pair.catchUp(options: before)
                try await pair.mend(stopped.log)
                let mended = try await pair.leat(arguments + options)
                #expect(mended.exitCode == 0, "\(mended.log)")
                #expect(!mended.log.contains("copying"), "\(mended.log)")
                try await Self.expectEqual(pair, ["users": to])
            }
        }
    }

    @Test("still hold when the source renames the table or column that they name")
    func renamedOnSource() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onTarget(
                Self.moves + "; alter table app.accounts rename column mail to email")
            let options = [
                "--rename", "public.users=app.accounts", "--rename", "public.users.mail=email",
            ]
            let leat = try pair.start(options[0], options[1], options[2], options[3])
            try await pair.waitForStream(leat)
            try await pair.onSource("alter table users rename to members")
            try await pair.onSource("update members set mail = 'm' || id")
            try await pair.waitUntilApplied()
            try await pair.onSource("alter table members rename column mail to address")
            try await pair.onSource("update members set address = 'a' || id")
            try await pair.waitUntilApplied()
            _ = try await leat.terminate()
            for round in 1...2 {
                try await pair.onSource("insert into members (address) values ('r\(round)')")
                try await pair.catchUp(options: options)
                #expect(
                    try await pair.sourceValue(
                        "select string_agg(m::text, ' ' order by id) from members m")
                        == pair.targetValue(
                            "select string_agg(m::text, ' ' order by id) from app.accounts m"))
            }
            // Its name of now may be in a rule as well.
            try await pair.catchUp(
                "--rename", "public.members=app.accounts", "--rename",
                "public.members.address=email")
        }
    }
}
