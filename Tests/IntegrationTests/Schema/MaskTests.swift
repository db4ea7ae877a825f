import Foundation
import LeatTestSupport
import Testing

/// `--mask`: what has other values on the target.
///
/// Every value that must not be there has `SECRET` in it, and the whole target, schema leat too, is
/// dumped and searched for it. What must be there is computed by SQL on the source.
@Suite("Masks on the way")
struct MaskTests {
    static let key = "key of the tests"
    static let environment = ["LEAT_MASK_KEY": key]

    /// `mask(text)` on the source: HMAC-SHA-256 by PostgreSQL's own sha256.
    static let function: String = {
        func pad(_ byte: UInt8) -> String {
            let bytes = Array(key.utf8) + Array(repeating: 0, count: 64 - key.utf8.count)
            return bytes.map { String(format: "%02x", $0 ^ byte) }.joined()
        }
        return """
            create schema judge; create function judge.mask(text) returns text language sql as $$
              select encode(sha256('\\x\(pad(0x5C))'
                || sha256('\\x\(pad(0x36))' || convert_to($1, 'UTF8'))), 'hex') $$;
            """
    }()

    private static let tables = """
        create table users (id int primary key, email text unique not null, phone varchar(20),
          note text, ref uuid, big text, code char(70), kept text);
        alter table users alter big set storage external;
        create table logins (email varchar(80) primary key, n int);
        create table plain (a text, b text, c text); alter table plain replica identity full;
        create table numbered (id bigint primary key, small smallint unique, v text);
        create table refs (number bigint, v text primary key, ref uuid);
        """
    private static let rows = """
        insert into users select i, 'SECRET-' || i, 'SECRET' || i, 'a SECRET' || i,
          ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, repeat('SECRET' || i, 2000),
          'SECRET' || i, 'k' || i from generate_series(1, 60) i;
        update users set phone = null, note = null where id % 7 = 0;
        insert into logins select email, id from users;
        insert into plain select 'SECRET' || i % 5, 'SECRET', 'c' || i % 5 from generate_series(1, 20) i;
        insert into plain values (null, E'SECRET\\t\\\\N\\n', null), (E'SECRET\\t\\\\N\\n', null, 'x');
        insert into numbered select i, i, 'v' || i from generate_series(1, 60) i;
        insert into refs select i, 'v' || i, ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid
          from generate_series(1, 60) i;
        """
    private static let masks = [
        "users.email=hash", "users.phone=null", "users.note=text:it's, gone", "users.ref=hash",
        "users.big=hash", "users.code=hash", "logins.email=hash", "plain.a=hash",
        "plain.b=text:", "numbered.id=hash", "numbered.small=hash", "refs.number=hash",
        "refs.ref=hash",
    ]

    static func options(_ masks: [String]) -> [String] {
        masks.flatMap { ["--mask", "public.\($0)"] }
    }

    /// What must be equal: of the source with its values masked by SQL, and of the target.
    private static let judged: [(source: String, target: String)] = [
        (
            """
            select id, judge.mask(email), null::text, case when note is not null then 'it''s, gone' end,
              judge.mask(big), judge.mask(code::text), kept from users
            """, "select id, email, phone, note, big, code::text, kept from users"
        ),
        ("select judge.mask(email), n from logins", "select email, n from logins"),
        (
            "select judge.mask(a), case when b is not null then '' end, c from plain",
            "select a, b, c from plain"
        ),
        ("select v, id < 0 from numbered", "select v, id < 0 from numbered where small >= 0"),
        ("select v from refs", "select v from refs"),
        // Keys still match, in number and uuid.
        (
            "select n.v, r.v, u.kept from numbered n join refs r on r.number = n.id join users u using (ref)",
            "select n.v, r.v, u.kept from numbered n join refs r on r.number = n.id join users u using (ref)"
        ),
        (
            "select count(distinct id), count(distinct small) from numbered",
            "select count(distinct id), count(distinct small) from numbered"
        ),
    ]

    static func rows(_ query: String) -> String {
        "select count(*) || string_agg(t::text, ';' order by t::text) from (\(query)) t"
    }

    private static func expectMasked(
        _ pair: Pair, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for (source, target) in judged {
            let left = try await pair.sourceValue(rows(source))
            let right = try await pair.targetValue(rows(target))
            #expect(left != nil && left == right, "\(source)", sourceLocation: sourceLocation)
        }
        #expect(
            try await pair.targetValue(
                "select count(*) from numbered where id::text = substr(v, 2)") == "0",
            sourceLocation: sourceLocation)
        try await expectNoSecret(pair, sourceLocation: sourceLocation)
    }

    static func expectNoSecret(
        _ pair: Pair, database: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let names = try await pair.target.sql(
            """
            select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables
            where schemaname not in ('pg_catalog', 'information_schema')
            """, database: database ?? pair.database)
        #expect(names.contains { $0[0] == "leat.tables" })
        for name in names.compactMap({ $0[0] }) {
            let found = try await pair.target.scalar(
                "select count(*) from \(name) t where t::text like '%SECRET%'",
                database: database ?? pair.database)
            #expect(found == "0", "\(name)", sourceLocation: sourceLocation)
        }
    }

    /// Changes of all kinds, by round: few, which go one by one, and many, which go as sets.
    private static func changes(_ round: Int) -> [String] {
        let base = round * 1000
        return [
            """
            insert into users (id, email, note) values (\(base), 'SECRET-new\(round)', 'SECRET');
            update users set kept = 'k\(round)' where id < 10;
            update users set email = email || '!', phone = 'SECRET' where id = \(10 + round)
            """,
            """
            update logins set email = 'SECRET-moved\(round)' where n = \(20 + round);
            update logins set n = -n where n = \(30 + round); delete from logins where n = \(40 + round);
            delete from plain where c = 'c\(round)'; update plain set b = 'SECRET2' where c = 'c0';
            update plain set a = 'SECRET-a', b = null where a is null;
            update numbered set id = -id where id = \(round); update refs set number = -number where number = \(round);
            update numbered set v = v || '+' where id = \(5 + round); delete from numbered where id = \(50 + round)
            """,
            """
            insert into users select \(base) + i, 'SECRET' || \(base) + i, 'SECRET', 'SECRET', null,
              repeat('SECRET', 1000) from generate_series(1, 400) i;
            update users set kept = 'many' where id > \(base); update users set email = email || '?' where id > \(base) + 300;
            delete from users where id between \(base) + 50 and \(base) + 90;
            insert into logins select email, id from users where id > \(base);
            update logins set email = 'SECRET-' || email where n > \(base) + 200
            """,
            """
            truncate plain; insert into plain select 'SECRET' || i % 7, 'SECRET', 'c' || i from generate_series(1, 400) i;
            delete from plain where c like 'c1%'; update plain set a = 'SECRET-b' where c like 'c2%'
            """,
        ]
    }

    @Test(
        "hold for the copy, the stream in each of its ways, and later starts",
        arguments: [Pair.Versions(.v15, .v18), .init(.v18, .v15)])
    func everywhere(_ versions: Pair.Versions) async throws {
        try await Pair.with(versions, schema: Self.tables, rows: Self.rows) { pair in
            try await pair.onSource(
                "\(Self.function) alter database \(pair.database) set logical_decoding_work_mem = '64kB'"
            )
            let options = Self.options(Self.masks) + ["--show-values"]
            let arguments = ["sync"] + pair.places + ["--endpos", "now"] + options
            for (round, more) in [[], ["--net-changes", "off"], ["--streaming", "off"]].enumerated()
            {
                let outcome = try await pair.leat(arguments + more, environment: Self.environment)
                #expect(outcome.exitCode == 0, "\(outcome.log)")
                #expect(
                    outcome.log.contains("masking columns=public.logins.email=hash"),
                    "\(outcome.log)")
                #expect(!outcome.text.contains("SECRET") && !outcome.text.contains(Self.key))
                try await Self.expectMasked(pair)
                for sql in Self.changes(round + 1) { try await pair.onSource(sql) }
            }
            let last = try await pair.leat(arguments, environment: Self.environment)
            #expect(last.exitCode == 0, "\(last.log)")
            try await Self.expectMasked(pair)

            let status = ["status", "--target", pair.target.conninfo(database: pair.database)]
            let text = try await pair.leat(status).output
            #expect(text.contains("public.users.note = text:\"it's, gone\""), "\(text)")
            let json = try await pair.leat(status + ["--json"]).output
            #expect(json.contains(#""column" : "public.users.email""#), "\(json)")
            #expect(json.contains(#""function" : "hash""#), "\(json)")
        }
    }

    @Test("that cannot be are refused before anything is made")
    func refused() async throws {
        let tables =
            Self.tables + """
                create table fits (id int primary key, doc jsonb, short varchar(30), due date,
                  small varchar(3), upper text generated always as (short) stored);
                create domain named as text not null; alter table fits add name named default 'x';
                """
        try await Pair.with(schema: tables) { pair in
            for (masks, code, words) in [
                (["public.users.email=md5"], Int32(2), "is no mask"),
                (["public.users.note=null", "public.users.note=hash"], 2, "twice"),
                (["public.user.email=hash"], 6, "Perhaps: --mask public.users.email=hash"),
                (
                    ["public.users.mail=hash"], 6,
                    "name no column that is followed: public.users.mail"
                ),
                (["public.users.email=null"], 6, "column email is NOT NULL"),
                (["public.users.email=text:x"], 6, "column email is in a unique index"),
                (["public.logins.email=text:x"], 6, "column email identifies rows"),
                (["public.users.id=null"], 6, "column id is NOT NULL"),
                (["public.fits.doc=hash"], 6, "column doc is of type jsonb, which has no hash"),
                (
                    ["public.fits.short=hash"], 6,
                    "character varying(30) on the target, where its hash has no room"
                ),
                (["public.fits.due=text:soon"], 6, "does not take its text"),
                (["public.fits.small=text:long"], 6, "does not take its text"),
                (["public.fits.name=null"], 6, "does not take its null"),
                (["public.fits.upper=text:x"], 6, "column upper is generated"),
            ] {
                let outcome = try await pair.leat(
                    ["sync"] + pair.places + ["--copy-only"] + masks.flatMap { ["--mask", $0] },
                    environment: Self.environment)
                #expect(outcome.exitCode == code, "\(masks) \(outcome.log)")
                #expect(outcome.log.contains(words), "\(masks) \(outcome.log)")
            }
            let keyless = try await pair.leat(
                ["sync"] + pair.places + ["--mask", "public.users.email=hash"])
            #expect(keyless.exitCode == 2 && keyless.log.contains("LEAT_MASK_KEY is not set"))
            let binary = try await pair.leat(
                ["sync"] + pair.places + ["--binary", "on", "--mask", "public.users.note=null"])
            #expect(
                binary.exitCode == 2 && binary.log.contains("--binary on does not go with --mask"))
            #expect(
                try await pair.sourceValue(
                    "select count(*) from pg_replication_slots where database = current_database()")
                    == "0")
        }
    }

    private static let small = """
        create table people (id int primary key, mail text, born date);
        create table other (id int primary key, v text)
        """
    private static let smallRows = """
        insert into people select i, 'SECRET' || i, '2000-01-01' from generate_series(1, 5) i;
        insert into other values (1, 'x')
        """

    private static func expectPeople(
        _ pair: Pair, _ column: String = "mail", source: String = "people",
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let left = try await pair.sourceValue(
            rows("select id, judge.mask(\(column)), born from \(source)"))
        let right = try await pair.targetValue(rows("select id, \(column), born from \(source)"))
        #expect(left != nil && left == right, sourceLocation: sourceLocation)
        try await expectNoSecret(pair, sourceLocation: sourceLocation)
    }

    @Test(
        "that change between starts are refused, with the way on; a column that is new may have one"
    )
    func changed() async throws {
        try await Pair.with(schema: Self.small, rows: Self.smallRows) { pair in
            try await pair.onSource(Self.function)
            func sync(_ masks: [String], _ more: [String] = [], key: String = Self.key) async throws
                -> Pair.Outcome
            {
                try await pair.leat(
                    ["sync"] + pair.places + ["--endpos", "now"] + Self.options(masks) + more,
                    environment: ["LEAT_MASK_KEY": key])
            }
            let hash = ["people.mail=hash"]
            #expect(try await sync(hash).exitCode == 0)
            for (masks, key, words) in [
                ([], Self.key, "column mail: hash, now as it is"),
                (["people.mail=null"], Self.key, "column mail: hash, now null"),
                (hash, "other", "hash by another LEAT_MASK_KEY"),
                (hash + ["people.born=null"], Self.key, "column born: as it is, now null"),
            ] {
                let outcome = try await sync(masks, key: key)
                #expect(outcome.exitCode == 6 && outcome.log.contains(words), "\(outcome.log)")
                #expect(outcome.log.contains("--mask public.people.mail=hash"), "\(outcome.log)")
            }
            try await pair.onSource(
                "update people set mail = 'SECRET-b'; insert into people values (9, 'SECRET')")
            #expect(try await sync(hash).exitCode == 0)
            try await Self.expectPeople(pair)

            // What a column gives to old rows by default is no value for schema leat, either.
            try await pair.both("alter table people add column phone text")
            try await pair.onSource(
                """
                alter table people alter phone set default 'SECRET-0';
                insert into people values (10, 'SECRET', null, 'SECRET'), (11, 'SECRET', null, default)
                """)
            let both = hash + ["people.phone=text:none"]
            let added = try await sync(both)
            #expect(added.exitCode == 0, "\(added.log)")
            #expect(
                try await pair.targetValue("select string_agg(phone, ' ') from people")
                    == "none none")
            try await Self.expectPeople(pair)
            #expect(try await sync(hash).exitCode == 6)

            // The way on: without the table, then with it again.
            #expect(try await sync([], ["--exclude", "people"]).exitCode == 0)
            let anew = try await sync(
                ["people.mail=hash", "people.phone=null"], ["--truncate", "--yes"])
            #expect(anew.exitCode == 0, "\(anew.log)")
            #expect(try await pair.targetValue("select count(phone) from people") == "0")
            try await Self.expectPeople(pair)
        }
    }

    @Test("of a root hold for its partitions, sent as one or one by one", arguments: [true, false])
    func partitions(viaRoot: Bool) async throws {
        let tables = """
            create table parts (id int, k int, mail text, primary key (id, k)) partition by range (k);
            create table parts_1 partition of parts for values from (0) to (10);
            create table parts_2 (dropped int, mail text, k int not null, id int not null, primary key (id, k));
            alter table parts_2 drop column dropped;
            alter table parts attach partition parts_2 for values from (10) to (20);
            """
        try await Pair.with(
            schema: tables,
            rows: "insert into parts select i, i, 'SECRET' || i from generate_series(0, 19) i"
        ) { pair in
            try await pair.onSource(
                """
                \(Self.function) create publication pub for table parts
                  with (publish_via_partition_root = \(viaRoot))
                """)
            let arguments =
                ["sync"] + pair.places
                + ["--endpos", "now", "--publication", "pub", "--mask", "public.parts.mail=hash"]
            for sql in [
                "",
                """
                update parts set mail = mail || 'b' where k in (3, 13); delete from parts where k = 4;
                update parts set k = k + 10 where k = 5; insert into parts values (1, 12, 'SECRET'), (99, 1, null)
                """,
            ] {
                try await pair.onSource(sql)
                let outcome = try await pair.leat(arguments, environment: Self.environment)
                #expect(outcome.exitCode == 0, "\(outcome.log)")
                #expect(
                    try await pair.sourceValue(
                        Self.rows("select id, k, judge.mask(mail) from parts"))
                        == pair.targetValue(Self.rows("select id, k, mail from parts")))
                try await Self.expectNoSecret(pair)
            }
        }
    }

    @Test("go along with renames; conflicts and stops know masked values only")
    func renamesAndConflicts() async throws {
        try await Pair.with(schema: Self.tables + Self.small, rows: Self.rows + Self.smallRows) {
            pair in
            try await pair.onSource(Self.function)
            try await pair.onTarget(
                """
                create schema app; alter table logins set schema app;
                alter table app.logins rename to entries;
                alter table app.entries rename column email to who
                """)
            let options =
                [
                    "--tables", "logins,people", "--rename", "public.logins=app.entries",
                    "--rename",
                    "public.logins.email=who", "--show-values",
                ]
                + Self.options(["logins.email=hash", "people.mail=hash"])
            let arguments = ["sync"] + pair.places + ["--endpos", "now"] + options
            func expectEqual() async throws {
                #expect(
                    try await pair.sourceValue(Self.rows("select judge.mask(email), n from logins"))
                        == pair.targetValue(Self.rows("select who, n from app.entries")))
                try await Self.expectNoSecret(pair)
            }
            #expect(try await pair.leat(arguments, environment: Self.environment).exitCode == 0)
            try await expectEqual()

            try await pair.onTarget(
                "set session_replication_role = replica; delete from app.entries where n = 5")
            try await pair.onSource("update logins set n = 555 where n = 5")
            let stopped = try await pair.leat(arguments, environment: Self.environment)
            #expect(stopped.exitCode != 0, "\(stopped.log)")
            let shown = try await pair.sourceValue("select judge.mask('SECRET-5')") ?? "?"
            #expect(
                stopped.log.contains(shown) && !stopped.log.contains("SECRET"), "\(stopped.log)")
            let resolved = try await pair.leat(
                arguments + ["--on-conflict", "update_missing=apply"], environment: Self.environment
            )
            #expect(resolved.exitCode == 0 && !resolved.text.contains("SECRET"), "\(resolved.log)")
            try await expectEqual()
            #expect(try await pair.targetValue("select key_values[1] from leat.conflicts") == shown)
        }
    }

    @Test(
        "stay on their columns when the source renames these, or the table; nothing passes in the open",
        arguments: [
            "alter table people rename mail to post",
            // The other column now has the masked one's name.
            """
            alter table people rename mail to post; alter table people add x text;
            alter table people rename x to mail
            """,
        ])
    func renamedColumns(_ statements: String) async throws {
        try await Pair.with(schema: Self.small, rows: Self.smallRows) { pair in
            try await pair.onSource(Self.function)
            let arguments = ["sync"] + pair.places + ["--endpos", "now", "--mask"]
            let mail = "public.people.mail=hash"
            #expect(
                try await pair.leat(arguments + [mail], environment: Self.environment).exitCode == 0
            )
            let leat = try LeatProcess(
                ["sync"] + pair.places + ["--mask", mail], environment: Self.environment)
            try await pair.waitForStream(leat)
            try await pair.onSource(
                "update people set mail = 'SECRET-x' where id = 1; \(statements)")
            try await pair.onSource("update people set post = 'SECRET-y' where id = 2")
            #expect(try await leat.waitForExit() == 7)
            try await Self.expectNoSecret(pair)
            var ended = try await pair.leat(
                arguments + ["public.people.post=hash"], environment: Self.environment)
            for _ in 0..<3 where ended.exitCode == 7 {
                #expect(!ended.log.contains("SECRET"))
                try await pair.mend(ended.log)
                ended = try await pair.leat(
                    arguments + ["public.people.post=hash"], environment: Self.environment)
            }
            #expect(ended.exitCode == 0, "\(ended.log)")
            try await Self.expectPeople(pair, "post")

            try await pair.both("alter table people rename to persons")
            try await pair.onSource("update persons set post = 'SECRET-z' where id = 3")
            for name in ["people", "persons"] {
                let renamed = try await pair.leat(
                    arguments + ["public.\(name).post=hash"], environment: Self.environment)
                #expect(renamed.exitCode == 0, "\(renamed.log)")
                try await Self.expectPeople(pair, "post", source: "persons")
            }
        }
    }

    @Test("of an archive are made by its replay, also of tables that come later")
    func replayed() async throws {
        try await Staging.with(
            schema: Self.small, rows: Self.smallRows
        ) { staging in
            let pair = staging.pair
            try await pair.onTarget("create table late (id int primary key, mail text)")
            try await pair.onSource(Self.function)
            try await staging.record("--with-base")
            try await pair.onSource(
                """
                update people set mail = mail || '!' where id < 3; delete from people where id = 4;
                create table late (id int primary key, mail text)
                """)
            try await staging.record()
            try await pair.onSource(
                "insert into late values (1, 'SECRET'), (2, null); update late set mail = 'SECRET2' where id = 2"
            )
            try await staging.record()
            let masks = Self.options(["people.mail=hash", "late.mail=hash"])
            func replay(_ more: [String] = [], masks: [String] = masks) async throws -> Pair.Outcome
            {
                try await pair.leat(
                    staging.replayArguments(masks + more), environment: Self.environment)
            }
            func expectEqual() async throws {
                try await Self.expectPeople(pair)
                #expect(
                    try await pair.sourceValue(Self.rows("select id, judge.mask(mail) from late"))
                        == pair.targetValue(Self.rows("select id, mail from late")))
            }
            let slip = try await replay(masks: Self.options(["people.mai=hash"]))
            #expect(slip.exitCode == 6 && slip.log.contains("public.people.mail"), "\(slip.log)")
            let first = try await replay()
            #expect(first.exitCode == 0, "\(first.log)")
            try await expectEqual()
            try await pair.onSource(
                "update people set mail = 'SECRET-n'; delete from late where id = 1")
            try await staging.record()
            #expect(try await replay().exitCode == 0)
            try await expectEqual()
            let other = try await replay(masks: Self.options(["people.mail=hash"]))
            #expect(
                other.exitCode == 6 && other.log.contains("late was copied with other masks"),
                "\(other.log)")
            #expect(other.log.contains("--rewind"), "\(other.log)")
            #expect(try await replay(["--rewind", "--yes"]).exitCode == 0)
            try await expectEqual()
        }
    }

    @Test("hold behind a spool, whose archive has the values")
    func spooled() async throws {
        try await Pair.with(schema: Self.small, rows: Self.smallRows) { pair in
            try await pair.onSource(Self.function)
            let arguments =
                ["sync"] + pair.places + ["--spool", pair.spool, "--endpos", "now"]
                + Self.options(["people.mail=hash"])
            for sql in [
                "",
                "update people set mail = 'SECRET' || id * 2; insert into people values (7, 'SECRET')",
            ] {
                try await pair.onSource(sql)
                let outcome = try await pair.leat(arguments, environment: Self.environment)
                #expect(outcome.exitCode == 0, "\(outcome.log)")
                try await Self.expectPeople(pair)
            }
        }
    }
}
