import LeatTestSupport

/// By what the rows of updates and deletes are found.
enum IdentityCases {
    static let all = keys + indexes + whole + wide + moves + onTarget + refused

    private static func identity(_ name: String, _ setup: String) -> Case {
        Case(group: .identity, name: name, setup: setup)
    }

    // MARK: Keys

    private static let keys = [primaryKey, compositeKey, equalKeys, caselessKey, temporalKey]

    private static var primaryKey: Case {
        var test = identity(
            "default: a primary key", "create table t (v int, id int primary key, note text);")
        test.rows = "insert into t select i, i, 'n' || i from generate_series(1, 40) i;"
        test.insert = "insert into t values (null, 100, null), (0, -1, '');"
        test.update = """
            update t set v = v + 1 where id % 2 = 0;
            update t set note = null, v = null where id = 3;
            update t set v = v;
            """
        test.delete = "delete from t where id % 3 = 0; delete from t where id = 100;"
        test.truncate = "truncate t; insert into t values (1, 1, 'after');"
        return test
    }

    private static var compositeKey: Case {
        var test = identity(
            "default: a key of several columns in another order",
            "create table t (a int, v text, b text, c date, primary key (c, a, b));")
        test.rows = """
            insert into t select i % 3, 'v', chr(64 + i), date '2000-01-01' + i / 9
            from generate_series(1, 26) i;
            """
        test.insert = "insert into t values (9, null, '', 'infinity'), (9, '', ' ', '-infinity');"
        test.update = """
            update t set v = b where a = 1;
            update t set b = lower(b) where a = 2;
            update t set a = a + 10, c = c + 1 where c < 'infinity' and b > 'T';
            """
        test.delete = "delete from t where a = 0; delete from t where b = '';"
        test.truncate = "truncate t;"
        return test
    }

    private static var equalKeys: Case {
        var test = identity(
            "default: key values that are equal, but not the same",
            """
            create table n (k numeric primary key, v int);
            create table f (k float8 primary key, v int);
            create table i (k interval primary key, v int);
            """)
        test.rows = """
            insert into n values (1.0, 1), (2.00, 2), (3, 3), ('NaN', 4);
            insert into f values (0, 1), (1, 2), ('NaN', 3);
            insert into i values ('1 mon', 1), ('30 days 24:00', 2);
            """
        test.insert = """
            insert into n values (4.000, 5), (1e3, 6); insert into f values ('Infinity', 4);
            """
        test.update = """
            update n set k = 1.00 where k = 1; update n set v = 10 where k = 1;
            update n set k = k * 1.0;
            update f set k = '-0' where k = 0; update f set v = 10 where k = 0;
            update i set k = '30 days' where k = '1 mon'; update i set v = 10 where k = '720:00';
            """
        test.delete = """
            delete from n where k in (1, 3); delete from f where k = 0; delete from i where v = 2;
            """
        test.truncate = "truncate n, f, i;"
        // Intervals differ between servers that know infinite ones and others.
        test.textOnly = { versions in
            (versions.source == .v18) == (versions.target == .v18)
                ? nil : "one side knows infinite intervals, the other does not"
        }
        return test
    }

    private static var caselessKey: Case {
        var test = identity(
            "default: keys of citext",
            """
            create extension if not exists citext schema public;
            create table t (k citext primary key, v citext);
            """)
        test.rows = "insert into t values ('A', 'A'), ('b', 'B'), ('Straße', null);"
        test.insert = "insert into t values ('ü', 'x'), ('', '');"
        test.update = """
            update t set v = 'a' where k = 'a'; update t set k = 'a' where k = 'A';
            update t set k = 'B', v = 'b' where k = 'b'; update t set v = 'z' where k = 'STRAßE';
            """
        test.delete = "delete from t where k in ('B', 'Ü');"
        test.truncate = "truncate t;"
        test.skipped = Case.contrib
        test.textOnly = { _ in "a type of an extension" }
        return test
    }

    /// Rows are found by equality, although the index forbids overlaps.
    private static var temporalKey: Case {
        var test = identity(
            "default: a key WITHOUT OVERLAPS",
            """
            create table t (id int4range, during daterange, v text,
              primary key (id, during without overlaps));
            create table f (id int4range, during daterange, v text,
              unique (id, during without overlaps));
            alter table f replica identity full;
            """)
        let rows = """
            ('[1,2)', '[2018-01-01,2019-01-01)', 'a'), ('[1,2)', '[2019-01-01,2020-01-01)', 'b'),
              ('[1,3)', '[2018-01-01,2019-01-01)', 'c'), ('[1,9)', '[2018-06-01,)', 'd');
            """
        test.rows = "insert into t values \(rows) insert into f values \(rows)"
        test.insert = """
            insert into t select int4range(i, i + 1), '[2000-01-01,)', 'n'
            from generate_series(100, 200) i; insert into f values ('[5,6)', '(,)', null);
            """
        test.update = """
            update t set v = 'x' where id = '[1,2)' and v = 'a'; update t set v = 'y' where v = 'c';
            update t set id = '[7,8)' where v = 'b'; update t set during = '[2019-01-01,)' where v = 'd';
            update t set v = 'm' where lower(id) >= 100; update f set v = 'z' where v = 'c';
            """
        test.delete = """
            delete from t where v in ('y', 'd'); delete from t where lower(id) > 150;
            delete from f where v = 'a';
            """
        test.truncate = "truncate t, f;"
        test.skipped = Case.from(.v18)
        return test
    }

    // MARK: Indexes

    private static let indexes = [byIndex, byIndexWithMore]

    private static var byIndex: Case {
        var test = identity(
            "index: instead of the primary key",
            """
            create table t (id int primary key, code text not null, v int, part int not null);
            create unique index t_code on t (code, part);
            alter table t replica identity using index t_code;
            """)
        test.rows = "insert into t select i, 'c' || i, i, i % 2 from generate_series(1, 30) i;"
        test.insert = "insert into t values (100, '', 1, 0), (101, '', 1, 1);"
        test.update = """
            update t set v = 0 where id < 5; update t set id = -id where id between 6 and 9;
            update t set code = code || '-' where id between 10 and 14;
            update t set id = id + 1000, code = 'x', part = id where id between 15 and 17;
            """
        test.delete = "delete from t where code in ('', 'x', 'c1'); delete from t where id < 0;"
        test.truncate = "truncate t;"
        return test
    }

    private static var byIndexWithMore: Case {
        var test = identity(
            "index: with included columns and no primary key",
            """
            create table t (v text, code int not null, w int);
            create unique index t_code on t (code) include (v, w);
            alter table t replica identity using index t_code;
            """)
        test.rows = "insert into t select 'v', i, null from generate_series(1, 20) i;"
        test.insert = "insert into t values (null, 100, 1);"
        test.update = """
            update t set v = 'w' where code < 5; update t set code = -code where code > 15;
            """
        test.delete = "delete from t where code % 3 = 0;"
        test.truncate = "truncate t;"
        return test
    }

    // MARK: REPLICA IDENTITY FULL

    private static let whole = [
        duplicates, equalValues, caselessValues, withoutEquality, xmlValues, wholeWithKey,
    ]

    private static var duplicates: Case {
        var test = identity(
            "full: rows that are there several times, and NULLs",
            "create table t (a int, b text, c bool); alter table t replica identity full;")
        test.rows = """
            insert into t select i % 3, 'x', null from generate_series(1, 12) i;
            insert into t values (null, null, null), (null, null, null), (null, '', null);
            """
        test.insert = "insert into t values (1, 'x', null), (null, null, null), (1, 'x', true);"
        test.update = """
            update t set c = false where ctid = (select min(ctid) from t where a = 1);
            update t set b = null where ctid = (select max(ctid) from t where a = 2);
            update t set a = 7 where a is null and b is null; update t set c = true where a = 0;
            """
        test.delete = """
            delete from t where ctid = (select min(ctid) from t where a = 1 and c is null);
            delete from t where ctid = (select min(ctid) from t where a = 7); delete from t where c;
            """
        test.truncate = "truncate t;"
        return test
    }

    private static var equalValues: Case {
        var test = identity(
            "full: values that are equal, but not the same",
            "create table t (n numeric, f float8, v text); alter table t replica identity full;")
        test.rows = """
            insert into t values (1, 0, 'a'), (1.0, 0, 'a'), (1.00, 0, 'a'), (1.00, '-0', 'a'),
              (1.00, '-0', 'a'), ('NaN', 'NaN', 'a');
            """
        test.insert = "insert into t values (1.000, '-0', 'a'), (1.000, 0, 'a');"
        test.update = """
            update t set v = 'one' where n::text = '1.00' and f::text = '0';
            update t set v = 'two' where n::text = '1.000' and f::text = '-0';
            update t set n = 1.0 where ctid = (select max(ctid) from t where n::text = '1.00');
            update t set f = 1 where n = 'NaN';
            """
        test.delete = """
            delete from t where n::text = '1.0'; delete from t where f::text = '-0';
            delete from t where n = 'NaN';
            """
        test.truncate = "truncate t;"
        return test
    }

    private static var caselessValues: Case {
        var test = identity(
            "full: citext",
            """
            create extension if not exists citext schema public;
            create table t (v citext, n int); alter table t replica identity full;
            """)
        test.rows = "insert into t values ('a', 1), ('A', 1), ('A', 1), ('B', 1);"
        test.insert = "insert into t values ('b', 1);"
        test.update = "update t set n = 2 where v::text = 'A'; update t set v = 'b' where v = 'b';"
        test.delete = "delete from t where v::text = 'a'; delete from t where n = 2;"
        test.truncate = "truncate t;"
        test.skipped = Case.contrib
        test.textOnly = { _ in "a type of an extension" }
        return test
    }

    private static var withoutEquality: Case {
        var test = identity(
            "full: types without an equality of their values",
            """
            create table t (j json, p point, b box, g polygon, n int);
            alter table t replica identity full;
            """)
        test.rows = #"""
            insert into t values ('{"a":1}', '(0,0)', '(1,1),(0,0)', '((0,0),(1,1))', 1),
              ('{"a": 1}', '(0,-0)', null, null, 1), ('{"a": 1}', '(0,-0)', null, null, 1),
              (null, null, '(2,1),(0,0)', '((0,0),(1,1),(1,0))', 1);
            """#
        test.insert = #"insert into t values ('[ ]', '(1e300,NaN)', null, null, 2);"#
        test.update = """
            update t set n = 3 where j::text = '{"a":1}';
            update t set j = '[]' where ctid = (select min(ctid) from t where b is null);
            update t set p = '(3,3)' where j is null;
            """
        test.delete = "delete from t where n = 3; delete from t where p::text = '(0,-0)';"
        test.truncate = "truncate t;"
        test.textOnly = { _ in "geometric types" }
        return test
    }

    private static var xmlValues: Case {
        var test = identity(
            "full: xml", "create table t (x xml, n int); alter table t replica identity full;")
        test.rows = "insert into t values ('<a/>', 1), ('<a />', 1), ('<a />', 1), ('text', 1);"
        test.insert = "insert into t values ('<b><c/></b>', 1), (null, 1);"
        test.update = """
            update t set n = 2 where x::text = '<a/>';
            update t set x = '<d/>' where ctid = (select min(ctid) from t where x::text = '<a />');
            """
        test.delete = "delete from t where n = 2; delete from t where x is null;"
        test.truncate = "truncate t;"
        test.skipped = { versions in
            versions.source == .v15 && versions.target == .v15
                ? nil : "xml is compiled into 15 only"
        }
        test.textOnly = { _ in "its text names its encoding" }
        return test
    }

    private static var wholeWithKey: Case {
        var test = identity(
            "full: with a primary key",
            """
            create table t (id int primary key, n numeric, j json);
            alter table t replica identity full;
            """)
        test.rows = "insert into t select i, 1.0, '{}' from generate_series(1, 30) i;"
        test.insert = "insert into t values (100, 1.00, '{ }'), (101, null, null);"
        test.update = """
            update t set n = 1.00 where id < 5; update t set id = id + 200 where id between 6 and 9;
            update t set j = '[]' where id = 101;
            """
        test.delete = "delete from t where id % 2 = 1;"
        test.truncate = "truncate t;"
        return test
    }
}
