import LeatTestSupport
import Testing

@Suite("What is followed")
struct SelectionTests {
    private static let schema = "create table t (id int primary key, v text)"
    private static let rows = "insert into t select i, 'v' from generate_series(1, 10) i"

    private func tables(_ pair: Pair) async throws -> [String] {
        try await pair.onTarget(
            "select schema_name || '.' || table_name from leat.tables order by 1"
        ).compactMap { $0[0] }
    }

    @Test("is chosen by patterns, and can be chosen anew at a restart")
    func patterns() async throws {
        let names = ["a1", "a2", "b", "\"B?\"", "app.a1", "app.c", "other.a1"]
        let schema =
            "create schema app; create schema other;"
            + names.map { "create table \($0) (id int primary key);" }.joined()
        let rows = names.map { "insert into \($0) values (1);" }.joined()
        try await Pair.with(schema: schema, rows: rows) { pair in
            try await pair.catchUp(
                "--tables", "a*,app.*", "--tables", "B?", "--exclude", "app.c", "--exclude", "?2")
            #expect(try await tables(pair) == ["app.a1", "public.B?", "public.a1"])

            try await pair.onSource("insert into a1 values (2); insert into app.c values (2)")
            try await pair.catchUp("--tables", "*.*", "--exclude", "other.*,b")

            #expect(
                try await tables(pair)
                    == ["app.a1", "app.c", "public.B?", "public.a1", "public.a2"])
            for name in ["a1", "a2", "\"B?\"", "app.a1", "app.c"] {
                let (left, right) = (
                    try await pair.source.tableHash(name, database: pair.database),
                    try await pair.target.tableHash(name, database: pair.database)
                )
                #expect(left == right)
            }
            #expect(try await pair.targetValue("select count(*) from other.a1") == "0")
        }
    }

    @Test("is what was meant: a pattern that matches nothing is refused, with what is near")
    func slips() async throws {
        let schema = """
            create schema crm; create table crm.customers (id int primary key);
            create table "Users" (id int primary key); create table orders (id int primary key);
            create unlogged table fleeting (id int primary key);
            create materialized view seen as select 1 as id;
            create table parted (id int primary key) partition by range (id);
            create table parted_1 partition of parted for values from (0) to (100);
            """
        let slips = [
            ["--tables", "customers", "crm.customers"],
            ["--tables", "public.users", "public.\"Users\""],
            ["--tables", "public.\"users\"", "public.\"Users\""],
            ["--tables", "ORDERS", "public.orders"], ["--tables", "orders,oders", "public.orders"],
            ["--tables", "custom*", "crm.customers"], ["--exclude", "customers", "crm.customers"],
            ["--exclude", "ordres", "public.orders"],
            ["--exclude", "nothing_like_it", "crm.customers"],
            ["--tables", "fleeting", "set logged"], ["--tables", "seen", "a materialized view"],
            ["--tables", "parted_1", "a partition of public.parted"],
            ["--exclude", "parted_1", "a partition of public.parted"],
        ]
        try await Pair.with(schema: schema, rows: "insert into orders values (1)") { pair in
            for slip in slips {
                try await pair.expectRefusal(
                    6, "These options match no table", slip[2], options: Array(slip.dropLast()))
            }
            try await pair.onSource("create publication pub for table orders")
            try await pair.expectRefusal(
                6, "--exclude oders", options: ["--publication", "pub", "--exclude", "oders"])

            let outcome = try await pair.sync(
                "--tables", "crm.customers, orders , public.\"Users\"", "--exclude", "fleeting",
                "--endpos", "now")
            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(
                outcome.log.contains("tables=crm.customers, public.Users, public.orders"),
                "\(outcome.log)")
            #expect(
                try await tables(pair) == ["crm.customers", "public.Users", "public.orders"])

            // One that has matched: its table is gone since.
            try await pair.both("drop table crm.customers")
            let later = try await pair.sync(
                "--tables", "crm.customers, orders , public.\"Users\"", "--exclude", "fleeting",
                "--endpos", "now")
            #expect(later.exitCode == 0, "\(later.log)")
            #expect(later.log.contains("--tables crm.customers matches no table any more"))
        }
    }

    @Test("is told, and what is not sent: once at each start, and by status")
    func unsent() async throws {
        let schema = """
            create domain lo as oid; create table t (id int primary key, picture lo);
            create unlogged table fleeting (id int primary key);
            create materialized view seen as select 1 as id;
            create foreign data wrapper none; create server away foreign data wrapper none;
            create foreign table far (id int) server away;
            """
        try await Pair.with(schema: schema, rows: "insert into t values (1, lo_create(0))") {
            pair in
            for _ in 1...2 {
                let outcome = try await pair.sync("--endpos", "now")
                #expect(outcome.exitCode == 0, "\(outcome.log)")
                let status = try await pair.leat([
                    "status", "--target", pair.target.conninfo(database: pair.database),
                ])
                for object in [
                    "public.fleeting", "public.seen", "public.far", "large objects",
                    "public.t.picture",
                ] {
                    #expect(outcome.log.contains(object), "\(outcome.log)")
                    #expect(status.output.contains("\(object): "), "\(status.output)")
                }
            }
            let chosen = try await pair.sync("--tables", "t", "--endpos", "now")
            #expect(chosen.exitCode == 0, "\(chosen.log)")
            #expect(!chosen.log.contains("fleeting"), "\(chosen.log)")
        }
    }

    @Test(
        "is what publications say: several, with row filters and column lists",
        arguments: PostgresVersion.allCases)
    func publications(_ version: PostgresVersion) async throws {
        let schema = """
            create table rows (id int primary key, region text, v text);
            alter table rows replica identity full;
            create table columns (id int primary key, shown text, hidden text);
            create schema app;
            create table app.whole (id int primary key);
            create table parted (id int primary key, v text) partition by range (id);
            create table parted_1 partition of parted for values from (0) to (100);
            """
        let rows = """
            insert into rows values (1, 'eu', 'a'), (2, 'us', 'b'), (3, 'asia', 'c');
            insert into columns values (1, 'a', 'SECRET'); insert into app.whole values (1);
            insert into parted values (1, 'a');
            create publication eu for table rows where (region = 'eu');
            create publication us for table rows where (region = 'us'), columns (id, shown);
            create publication app for tables in schema app;
            create publication leaves for table parted;
            """
        try await Pair.with(.init(version, version), schema: schema, rows: rows) { pair in
            let options = ["eu", "us", "app", "leaves"].flatMap { ["--publication", $0] }
            let leat = try LeatProcess(
                ["sync"] + pair.places + options + ["--status-interval", "200ms"])
            try await pair.waitForStream(leat)

            try await pair.source.run(
                script: """
                    update rows set v = v || '2';
                    update rows set region = 'asia' where id = 1;
                    update rows set region = 'eu' where id = 3;
                    insert into rows values (4, 'us', 'd'), (5, 'asia', 'e');
                    delete from rows where region = 'asia';
                    update columns set shown = 'b', hidden = 'SECRET2';
                    insert into columns values (2, 'c', 'SECRET3');
                    insert into app.whole values (2);
                    update parted set v = 'b';
                    """, database: pair.database)
            try await pair.waitUntilApplied()

            let followed = "select id, region, v from rows where region <> 'asia' order by 1"
            #expect(try await pair.onSource(followed) == pair.onTarget(followed))
            #expect(try await pair.targetValue("select count(*) from rows") == "3")
            #expect(
                try await pair.onTarget("select * from columns order by 1")
                    == [["1", "b", nil], ["2", "c", nil]])
            #expect(try await pair.targetValue("select count(*) from app.whole") == "2")
            #expect(try await pair.onTarget("select * from parted") == [["1", "b"]])
            #expect(try await tables(pair).contains("public.parted_1"))
            #expect(try await leat.terminate() == 0)
        }
    }

    @Test("includes tables made while the stream flows, from the next start, without loss")
    func addedTables() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("create publication everything for all tables")
            let leat = try pair.start("--publication", "everything")
            try await pair.waitForStream(leat)
            try await pair.both("create table late (id int primary key, t int)")
            try await pair.onSource(
                "insert into late values (1, 1); insert into t values (11, 'x')")
            try await leat.waitForOutput(containing: "table=public.late")
            try await pair.onSource("insert into late values (2, 2)")
            #expect(try await leat.terminate() == 0)
            try await pair.onSource("update late set t = 3; delete from t where id = 1")

            try await pair.catchUp("--publication", "everything")
            try await pair.onSource("insert into late values (4, 4)")
            try await pair.catchUp("--publication", "everything")

            try await pair.expectEqual()
        }
    }

    @Test(
        "is copied again, and only with --truncate, once it was not followed for a while",
        arguments: [true, false])
    func rejoinedTable(_ isOwn: Bool) async throws {
        let schema =
            Self.schema + "; create table u (id int primary key, t int references t);"
        try await Pair.with(schema: schema, rows: Self.rows) { pair in
            let options = isOwn ? [] : ["--publication", "mine"]
            if !isOwn { try await pair.onSource("create publication mine for table t, u") }
            let first = try await pair.leat(["sync", "--endpos", "now"] + pair.places + options)
            #expect(first.exitCode == 0, "\(first.log)")
            if isOwn {
                try await pair.catchUp("--exclude", "t")
            } else {
                try await pair.onSource("alter publication mine drop table t")
            }
            try await pair.onSource("insert into t values (11, 'meanwhile')")
            try await pair.onSource("insert into u values (1, 11)")
            if !isOwn { try await pair.onSource("alter publication mine add table t") }
            try await pair.onSource("update t set v = 'after' where id = 2")

            let refused = try await pair.leat(["sync"] + pair.places + options)
            #expect(refused.exitCode == 6, "\(refused.log)")
            #expect(refused.log.contains("public.t"))
            let again = try await pair.leat(
                ["sync", "--endpos", "now", "--truncate", "--yes"] + pair.places + options)

            #expect(again.exitCode == 0, "\(again.log)")
            try await pair.expectEqual()
        }
    }

    @Test("is copied alone with --copy-only, or not copied with --no-copy")
    func copyOnlyAndNoCopy() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let copied = try await pair.sync("--copy-only")
            #expect(copied.exitCode == 0, "\(copied.log)")
            try await pair.expectEqual()
            try await pair.onSource(
                "insert into t values (11, 'after'); delete from t where id = 1")
            try await pair.catchUp()
            try await pair.expectEqual()

            let other = [
                "--stream", "nc_\(pair.stream)", "--state-dir", pair.stateDirectory + "/2",
            ]
            let first = try await pair.leat(
                ["sync", "--no-copy", "--endpos", "now"] + pair.places + other)
            #expect(first.exitCode == 0, "\(first.log)")
            try await pair.expectEqual()
        }
    }

    @Test("ends at --endpos, with exactly the transactions up to it")
    func endPosition() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            var ends: [String] = []
            for id in 101...120 {
                try await pair.onSource("insert into t values (\(id), 'v')")
                ends.append(try await pair.sourceValue("select pg_current_wal_flush_lsn()") ?? "")
            }

            for id in [105, 106, 119] {
                let outcome = try await pair.sync("--endpos", ends[id - 101])
                #expect(outcome.exitCode == 0, "\(outcome.log)")
                #expect(try await pair.targetValue("select max(id) from t") == "\(id)")
            }
            let past = try await pair.sync("--endpos", ends[0])
            #expect(past.exitCode == 0, "\(past.log)")
            let leat = try pair.start("--endpos", "0/FFFFFFFF")
            try await pair.waitForStream(leat)
            try await pair.waitUntilApplied()

            try await pair.expectEqual()
            #expect(leat.exit == nil)
        }
    }

    @Test("is confirmed only after --hold-back")
    func holdBack() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let confirmed =
                "select confirmed_flush_lsn from pg_replication_slots "
                + "where slot_name = '\(pair.objectName)'"
            let leat = try pair.start("--hold-back", "1h")
            try await pair.waitForStream(leat)
            let before = try await pair.sourceValue(confirmed)
            try await pair.onSource("insert into t values (11, 'v')")
            try await pair.waitUntilApplied()
            #expect(try await leat.terminate() == 0)

            #expect(try await pair.sourceValue(confirmed) == before)
            let second = try pair.start("--hold-back", "300ms")
            let end = try await pair.sourceValue("select pg_current_wal_flush_lsn()") ?? ""
            try await pair.source.waitUntil(sql: "select (\(confirmed)) >= '\(end)'")
            #expect(try await second.terminate() == 0)
            try await pair.expectEqual()
        }
    }

    @Test("are the sequences too, after the copy and after SIGTERM")
    func sequences() async throws {
        let schema = """
            create table s (id bigserial primary key);
            create sequence free increment -2 start -10;
            create sequence unused;
            """
        let rows = "insert into s select from generate_series(1, 50); select nextval('free')"
        try await Pair.with(schema: schema, rows: rows) { pair in
            let values = """
                select s.last_value, s.is_called, f.last_value, f.is_called, u.is_called
                from s_id_seq s, free f, unused u
                """
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            #expect(try await pair.onSource(values) == pair.onTarget(values))

            try await pair.onSource("insert into s default values; select nextval('free')")
            try await pair.onSource("select nextval('s_id_seq')")
            #expect(try await leat.terminate() == 0)

            #expect(try await pair.onSource(values) == pair.onTarget(values))
            try await pair.expectEqual()
        }
    }

    @Test("is a sequence as far as it goes on the target, and its values beyond end nothing")
    func sequenceBounds() async throws {
        let schema = """
            create sequence short maxvalue 100;
            create sequence circle maxvalue 5 cycle;
            create sequence down increment -3 minvalue -100 maxvalue -1;
            create table s (id int primary key default nextval('short'));
            alter sequence short owned by s.id;
            create table c (id int primary key default nextval('circle'));
            create table d (id int primary key default nextval('down'));
            create sequence long;
            """
        let rows = """
            insert into s default values; insert into s values (40), (1000);
            insert into c values (5), (1000); select nextval('circle'), nextval('circle');
            insert into d default values; insert into d values (-40), (-1000);
            select setval('long', 3000);
            """
        try await Pair.with(schema: schema, rows: rows) { pair in
            try await pair.onTarget("alter sequence long maxvalue 2000")

            let outcome = try await pair.sync("--endpos", "now", "--status-interval", "200ms")

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(outcome.log.contains("its value on the source is beyond its bounds"))
            #expect(
                try await pair.targetValue(
                    """
                    select concat_ws(' ', a.last_value, b.last_value, c.last_value, d.last_value)
                    from short a, circle b, down c, long d
                    """) == "40 2 -40 1")
        }
    }

    @Test(
        "is with --origin none what was made there: databases that follow each other do not loop",
        arguments: PostgresVersion.allCases)
    func originNone(_ version: PostgresVersion) async throws {
        let schema = Self.schema + "; create table u (id int primary key);"
        try await Pair.with(.init(version, version), schema: schema, rows: Self.rows) { pair in
            let forth = try pair.start("--origin", "none")
            try await pair.waitForStream(forth)
            let back = try LeatProcess([
                "sync", "--source", pair.target.conninfo(database: pair.database),
                "--target", pair.source.conninfo(database: pair.database),
                "--stream", "back_\(pair.stream)", "--state-dir", pair.stateDirectory + "/back",
                "--no-copy", "--origin", "none", "--status-interval", "200ms",
            ])
            try await pair.waitForStream(back)

            for round in 1...3 {
                try await pair.onSource("insert into t values (\(100 + round), 'forth')")
                try await pair.onTarget("insert into t values (\(200 + round), 'back')")
                try await pair.onSource("update t set v = v || '>' where id = \(round)")
                try await pair.waitUntilApplied()
                let end = try await pair.targetValue("select pg_current_wal_flush_lsn()") ?? ""
                try await pair.source.waitUntil(
                    sql: "select end_lsn >= '\(end)' from leat.progress", database: pair.database)
            }

            try await pair.expectEqual()
            #expect(try await pair.sourceValue("select count(*) from t") == "16")
            #expect(try await pair.sourceValue("select v from t where id = 1") == "v>")
            #expect(try await forth.terminate() == 0, "\(forth.log)")

            // A table that is emptied and copied anew is nothing that was made there either.
            try await pair.catchUp("--origin", "none", "--exclude", "t", "--tables", "u")
            try await pair.onSource("insert into t values (301, 'meanwhile')")
            try await pair.catchUp("--origin", "none", "--truncate", "--yes")
            try await pair.onTarget("insert into t values (302, 'back')")
            let end = try await pair.targetValue("select pg_current_wal_flush_lsn()") ?? ""
            try await pair.source.waitUntil(
                sql: "select end_lsn >= '\(end)' from leat.progress", database: pair.database)

            try await pair.expectEqual()
            #expect(try await pair.sourceValue("select count(*) from t") == "18")
            #expect(try await back.terminate() == 0, "\(back.log)")
            #expect(
                try await pair.targetValue(
                    "select count(*) from pg_replication_origin "
                        + "where roname like 'leat_\(pair.stream)_copy%'") == "0")
        }
    }
}
