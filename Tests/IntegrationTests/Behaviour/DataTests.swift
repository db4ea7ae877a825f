import LeatTestSupport
import Testing

@Suite("Rows of every shape")
struct DataTests {
    /// What happens to them, once while the stream flows and once while it does not.
    private static func changes(_ round: Int) -> String {
        #"""
        insert into by_key values (1000 + ROUND, 'new'), (2000 + ROUND, null);
        update by_key set v = v || 'u' where id % 7 = ROUND;
        update by_key set id = id + 10000 where id in (20 + ROUND, 30 + ROUND);
        delete from by_key where id % 50 = ROUND;
        insert into by_two_keys values (ROUND, 'new', null);
        update by_two_keys set v = 'w' where a % 3 = 0;
        update by_two_keys set b = b || '-', a = -a where a = 4 + ROUND;
        delete from by_two_keys where a = 7 + ROUND;
        update by_index set v = 'x', id = id + 1 where id % 2 = 0;
        update by_index set code = 'moved' || id where code = 'c' || (4 + ROUND);
        delete from by_index where code = 'c' || (7 + ROUND);
        delete from by_row where ctid = (select ctid from by_row where n::text = '1.00' limit 1);
        update by_row set t = 'one of them' where ctid =
          (select ctid from by_row where t = 'twice' limit 1);
        delete from by_row where ctid =
          (select ctid from by_row where n is null and t is null limit 1);
        update by_row set n = 1.000, p = '(0,0)' where j::text = '{"a":1}';
        insert into by_row values (1.00, '{"a": 1}', 'x', '(1,2)'), (1.00, 'null', '', null);
        update by_row_with_key set n = 1.000 where id = ROUND;
        insert into by_row_with_key values (100 + ROUND, 1.0, '{}');
        update by_row_with_key set id = id + 20 where id = 100 + ROUND;
        insert into no_columns default values; insert into no_columns default values;
        delete from no_columns where ctid = (select ctid from no_columns limit 1);
        insert into generated (v) values ('more');
        update generated set other = other + 100, v = null where id = ROUND;
        update generated set id = default where id = 3 + ROUND;
        delete from generated where id = 6 + ROUND;
        insert into always (id, v) values (10 + ROUND, 'a');
        update always set v = 'b' where id = 1;
        update always set id = id + 20 where id = 1 + ROUND;
        update parent set v = 'q' where id in (1, 11);
        delete from parent where id in (1 + ROUND, 11 + ROUND);
        insert into parted values (500 + ROUND, 'eu', 'high'), (600 + ROUND, 'us', 'x');
        update parted set v = 'w' where id % 3 = ROUND;
        update parted set id = id + 200 where region = 'eu' and id = 4 * ROUND;
        update parted set region = 'us' where region = 'eu' and id = 10 + 2 * ROUND;
        delete from parted where id = 13 + ROUND;
        update parted_by_row set v = 'one' where (tableoid, ctid) =
          (select tableoid, ctid from parted_by_row where id = ROUND and v = 'same' limit 1);
        delete from parted_by_row where (tableoid, ctid) =
          (select tableoid, ctid from parted_by_row where id = 2 and v = 'same' limit 1);
        update parted_by_row set id = id + 1 where id = 3 and v = 'same';
        update toasted set small = 't' || ROUND where id = 1;
        update toasted set id = id + 100, small = 'moved' where id = 1 + ROUND;
        update toasted set big = repeat('short', 2) where id = 4;
        update toasted_by_row set small = 'only one' where ctid =
          (select ctid from toasted_by_row where small = 's' limit 1);
        delete from toasted_by_row where ctid =
          (select ctid from toasted_by_row where small = 's' limit 1);
        update "Odd ""schema"" ü.x"."tab\le. 'q' %s $1"
          set "select" = E'\\', "ünï. \x" = null where "Id ""1""" = ROUND;
        insert into "Odd ""schema"" ü.x"."tab\le. 'q' %s $1" values (100 + ROUND, '', '$1', -1);
        insert into "a table name of sixty-three bytes, which is as long as can be.." (v)
          values ('w');
        insert into typed (id, e, ea, comp) values (gen_random_uuid(), 'ok', '{}', '(,)');
        update typed set n = 1.5, ts = '2001-02-03 04:05:06.789', ta = '{}', mr = '{}', rc = null,
          c = 'x', comp = row(null, E'\\ "')::pair, tsz = '1999-12-31 23:59:59.999999+00'
          where id::text = '00000000-0000-0000-0000-00000000000' || ROUND;
        begin; insert into by_key values (-1, 'rolled back'); rollback;
        begin; insert into by_key values (-2 - ROUND, 'kept'); savepoint s;
        delete from by_key; rollback to s; commit;
        """#.replacing("ROUND", with: "\(round)")
    }

    private static let truncates = """
        truncate by_two_keys, only parent;
        truncate parted restart identity;
        insert into parted values (1, 'eu', 'after'), (2, 'us', 'after');
        truncate child, by_index;
        insert into child values (1, 'after', 'x');
        truncate no_columns;
        """

    @Test(
        "are copied and followed, between all versions, in text and binary form",
        arguments: Pair.Versions.all)
    func followsEveryShape(_ versions: Pair.Versions) async throws {
        let rows = ShopSchema.rows
        try await Pair.with(versions, schema: ShopSchema.all, rows: rows) { pair in
            // Not every type is safe in binary form: auto then means text.
            let binary = versions.source == versions.target ? "auto" : "off"
            let leat = try pair.start("--binary", binary)
            try await pair.waitForStream(leat)

            try await pair.source.run(script: Self.changes(1), database: pair.database)
            try await pair.waitUntilApplied()
            try await pair.expectEqual()
            #expect(try await leat.terminate() == 0, "\(leat.log)")
            try await pair.source.run(
                script: Self.changes(2) + Self.truncates, database: pair.database)
            try await pair.catchUp("--streaming", "off")

            try await pair.expectEqual()
            let sequences = "select last_value, is_called from generated_id_seq"
            #expect(try await pair.onSource(sequences) == pair.onTarget(sequences))
        }
    }

    @Test("are the same in binary form where every type is safe", arguments: Pair.Versions.all)
    func followsInBinary(_ versions: Pair.Versions) async throws {
        let schema = """
            create type mood as enum ('sad', 'ok');
            create domain score as numeric(6, 2);
            create table typed (id bigint primary key, b bool, f float8, n numeric, s score,
              t text, c char(4), ba bytea, tsz timestamptz, d date, u uuid, j json, jb jsonb,
              m mood, a int[], ta text[], r int4range, inet inet);
            create table by_row (n numeric, j json);
            alter table by_row replica identity full;
            """
        let rows = #"""
            insert into typed values (1, true, 'NaN', 'Infinity', 1.5, 'ü', 'a', '\x0001',
              'infinity', '-infinity', gen_random_uuid(), '{"a" : 1}', '{"a": 1.0}', 'ok',
              '{{1},{null}}', '{NULL,"a,b"}', '[1,2]', '10.0.0.0/8');
            insert into typed values (2);
            insert into by_row values (1.0, '{}'), (1.00, '{}'), (null, null), (null, null);
            """#
        try await Pair.with(versions, schema: schema, rows: rows) { pair in
            let leat = try pair.start("--binary", "on")
            try await pair.waitForStream(leat)

            try await pair.source.run(
                script: #"""
                    insert into typed select i, i % 2 = 0, -0.0, 1.10, 0, '', '', '', now(), 'now',
                      gen_random_uuid(), '[]', 'null', 'sad', '{}', '{}', 'empty', '::1'
                      from generate_series(3, 9) i;
                    update typed set n = 1.100, m = null where id = 3;
                    update typed set id = 100 where id = 4;
                    delete from typed where id = 5;
                    delete from by_row where n::text = '1.00';
                    delete from by_row where ctid =
                      (select ctid from by_row where n is null limit 1);
                    update by_row set j = '[]';
                    """#, database: pair.database)
            try await pair.waitUntilApplied()

            try await pair.expectEqual()
            #expect(try await pair.targetValue("select format from leat.progress") == "binary")
        }
    }

    @Test(
        "do not take binary form once a column joins that is not safe in it",
        arguments: [true, false])
    func binaryAfterAlter(isAutomatic: Bool) async throws {
        let schema = "create table t (id int primary key); create table other (id int primary key);"
        try await Pair.with(schema: schema, rows: "insert into t values (1)") { pair in
            let leat = try pair.start("--binary", isAutomatic ? "auto" : "on")
            try await pair.waitForStream(leat)
            #expect(try await pair.targetValue("select format from leat.progress") == "binary")
            // As OIDs these would be other tables on the target.
            try await pair.onTarget("create table filler (); drop table filler")
            try await pair.both("create table named (); alter table named replica identity full")
            try await pair.both("alter table t add r regclass")

            try await pair.onSource("insert into other values (1)")
            try await pair.onSource("insert into t values (2, 'named')")

            if isAutomatic {
                try await pair.onSource("alter table t drop r")
                try await pair.waitUntilApplied()
            } else {
                #expect(try await leat.waitForExit() == 7, "\(leat.log)")
                #expect(leat.log.contains("Stopped at 0/"))
                try await pair.catchUp("--exclude", "named")
            }
            #expect(leat.log.contains("public.t.r"))
            #expect(try await pair.targetValue("select format from leat.progress") == "text")
            #expect(try await pair.targetValue("select r from t where id = 2") == "named")
        }
    }

    @Test("reach target columns in another order, wider, or with more beside them")
    func mapsColumns() async throws {
        try await Pair.with { pair in
            try await pair.onSource(
                """
                create table t (id int primary key, small int2, v varchar(10), n numeric(8, 2),
                  d timestamp(3), gone int, s bpchar(3));
                alter table t drop column gone;
                alter table t add column late text;
                create table by_row (a int2, v varchar(5));
                alter table by_row replica identity full;
                insert into t values (1, 1, 'a', 1.50, '2000-01-01', 'x', 'l');
                insert into t values (2);
                insert into by_row values (1, 'a'), (1, 'a');
                """)
            try await pair.onTarget(
                """
                create table t (extra text default 'own', late text, n numeric(12, 4), v text,
                  made timestamptz not null default now(), id bigint primary key, small int8,
                  d timestamp, s text, double bigint generated always as (id * 2) stored);
                create table by_row (extra int, v text, a bigint);
                """)
            let leat = try pair.start()
            try await pair.waitForStream(leat)

            try await pair.source.run(
                script: """
                    insert into t values (3, -1, 'b', 0.25, '2000-01-01 00:00:00.123', 'y', null);
                    update t set small = 7, v = null where id = 1;
                    update t set id = 20 where id = 2;
                    delete from t where id = 3;
                    delete from by_row where ctid = (select ctid from by_row limit 1);
                    update by_row set v = 'b';
                    """, database: pair.database)
            try await pair.waitUntilApplied()

            // The target's scale and the source's padding show: the values are the same.
            let rows =
                "select id, small, v, n::float8, d, rtrim(s), late from t order by id"
            #expect(try await pair.onSource(rows) == pair.onTarget(rows))
            #expect(
                try await pair.onTarget("select distinct extra, double = id * 2 from t")
                    == [["own", "t"]])
            #expect(try await pair.onTarget("select a, v, extra from by_row") == [["1", "b", nil]])
        }
    }

    @Test("are never guessed: changes without an identity stop the stream", arguments: 1...2)
    func stopsWithoutIdentity(_ leaf: Int) async throws {
        // The root has no key of its own, and what its leaves send cannot be told apart.
        let schema = """
            create table root (id int, v text) partition by list (id);
            create table leaf1 partition of root for values in (1);
            alter table leaf1 replica identity full;
            create table leaf2 partition of root (primary key (id)) for values in (2);
            """
        let rows = """
            insert into root values (1, 'a'), (1, 'b'), (2, 'c');
            create publication mine for table root with (publish_via_partition_root = true)
            """
        try await Pair.with(schema: schema, rows: rows) { pair in
            try await pair.catchUp("--publication", "mine")
            try await pair.onSource("update root set v = 'x' where id = \(leaf) and v <> 'a'")

            let outcome = try await pair.sync("--publication", "mine", "--endpos", "now")

            #expect(outcome.exitCode == 7, "\(outcome.log)")
            #expect(outcome.log.contains("public.root"))
            #expect(
                try await pair.onTarget("select v from root order by 1") == [["a"], ["b"], ["c"]])
        }
    }
}
