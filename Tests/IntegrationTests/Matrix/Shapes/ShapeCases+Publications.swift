import LeatTestSupport

/// Publications of the source's administrator, used as they are.
extension ShapeCases {
    private static let twoTables = """
        create table a (id int primary key, v text, w int); create table b (id int primary key);
        """

    private static func two(_ name: String) -> Case {
        var test = shape("publications: \(name)", twoTables)
        test.rows = """
            insert into a select i, 'v', i from generate_series(1, 9) i;
            insert into b select generate_series(1, 9);
            """
        test.insert = "insert into a values (100, null, 0); insert into b values (100);"
        test.update = "update a set v = 'w' where id < 4; update b set id = 50 where id = 5;"
        test.delete = "delete from a where id = 1; delete from b where id in (1, 50);"
        test.truncate = "truncate a, b; insert into a values (1, 'after', 1);"
        return test
    }

    static let publications = [
        published(two("FOR ALL TABLES"), "create publication p for all tables;", names: "p"),
        schemas,
        published(
            two("several, of different tables"),
            "create publication p for table a; create publication q for table b;", names: "p", "q"),
        published(
            two("several, with a table in both"),
            """
            create publication p for table a, b with (publish = 'insert, update');
            create publication q for table a, b with (publish = 'delete, truncate');
            """, names: "p", "q"),
        columnList, rowFilter, rowFilters, wideRowFilter, insertOnly, sentGenerated, levels,
    ]

    private static var schemas: Case {
        var test = two("FOR TABLES IN SCHEMA")
        test.home = Case.Home()
        return published(
            test, "create publication p for tables in schema \(test.schema);", names: "p")
    }

    /// The server sends what happens to a partition once, in the name of the highest of its
    /// parents that is sent as a whole.
    private static var levels: Case {
        var test = shape(
            "publications: a partition in one and its root in another",
            """
            create table t (id int, v text) partition by range (id);
            create table t_low partition of t for values from (0) to (100)
              partition by range (id);
            create table t_low_a partition of t_low for values from (0) to (50);
            create table t_low_b partition of t_low default;
            create table t_high partition of t default;
            alter table t replica identity full; alter table t_low replica identity full;
            alter table t_low_a replica identity full; alter table t_low_b replica identity full;
            alter table t_high replica identity full;
            """)
        test.rows = "insert into t select i, 'v' from generate_series(0, 195, 5) i;"
        test.insert = "insert into t values (1, 'a'), (51, 'b'), (101, 'c');"
        test.update = "update t set id = id + 40 where id < 150; update t set v = 'w';"
        test.delete = "delete from t where id in (41, 60, 141);"
        test.truncate = "truncate t_high; truncate t_low; insert into t values (1, ''), (200, '');"
        return published(
            test,
            """
            create publication p for table t_low with (publish_via_partition_root = true);
            create publication q for table t_low_a, t_high; create publication r for table t_low_b;
            """, names: "p", "q", "r")
    }

    private static var columnList: Case {
        var test = two("a column list")
        test.targetSetup = """
            create table a (own int default 7, v text, id int primary key);
            create table b (id int primary key);
            """
        test.compare = ["select id, v from a order by 1", "select id from b order by 1"]
        return published(test, "create publication p for table a (id, v), b;", names: "p")
    }

    private static var rowFilter: Case {
        var test = shape(
            "publications: a row filter",
            """
            create table t (id int, kept bool, v text, primary key (id, kept));
            create table r (id int, kept bool, v text, primary key (id, kept))
              partition by range (id);
            create table r_all partition of r default;
            """)
        let rows = "select i, i % 2 = 0, 'v' from generate_series(1, 20) i;"
        test.rows = "insert into t \(rows) insert into r \(rows)"
        test.insert = "insert into t values (100, true, ''), (101, false, '');"
        test.update = """
            update t set kept = not kept where id < 6; update t set v = 'w' where id between 4 and 9;
            update t set id = id + 200, kept = true where id in (10, 11);
            update r set kept = not kept where id < 6;
            """
        test.delete = "delete from t where id in (1, 2, 3, 100, 101); delete from r where id < 4;"
        test.truncate = "truncate t, r; insert into t values (1, true, ''), (2, false, '');"
        test.seesOnSource("t", "kept")
        test.seesOnSource("r", "kept")
        return published(
            test,
            """
            create publication p for table t where (kept), r where (kept)
              with (publish_via_partition_root = true);
            """, names: "p")
    }

    /// What one of them sends is sent.
    private static var rowFilters: Case {
        var test = shape(
            "publications: several row filters of a table",
            "create table t (id int primary key, v text);")
        test.rows = "insert into t select i, 'v' from generate_series(1, 20) i;"
        test.insert = "insert into t values (100, ''), (101, ''), (-1, '');"
        test.update = """
            update t set v = 'w'; update t set id = id + 200 where id in (2, 4, 19);
            update t set id = 30 where id = 3; update t set id = 3 where id = 11;
            update t set id = 40 where id = 12; update t set id = 12 where id = 1;
            """
        test.delete = "delete from t where id in (1, 18, 100, 202);"
        test.truncate = "truncate t; insert into t values (1, 'after'), (10, 'after');"
        test.seesOnSource("t", "id < 5 or id > 15")
        return published(
            test,
            """
            create publication p for table t where (id < 5);
            create publication q for table t where (id > 15);
            """, names: "p", "q")
    }

    /// The server sends the row as an insert, and not the value that the update left alone.
    private static var wideRowFilter: Case {
        var test = shape(
            "publications: a wide row comes into a row filter",
            """
            create table t (id int, kept bool, v text, primary key (id, kept));
            alter table t alter v set storage external;
            """)
        test.rows =
            "insert into t values (1, true, repeat('a', 5000)), (2, false, repeat('b', 5000));"
        test.update = "update t set kept = true where id = 2;"
        test.refusal = { _ in
            Case.Refusal(
                moment: .phase(.update), exitCode: 7,
                words: ["Stopped at", "the value of column v was not sent"])
        }
        return published(test, "create publication p for table t where (kept);", names: "p")
    }

    private static var insertOnly: Case {
        var test = shape(
            "publications: inserts only of tables without an identity",
            """
            create table t (id int primary key); create table log (at timestamptz, v text);
            create table none (id int primary key, v text);
            alter table none replica identity nothing;
            """)
        test.rows = """
            insert into t values (1), (2), (3); insert into log values ('2000-01-01', 'a');
            insert into log values (null, null), (null, null); insert into none values (1, 'a');
            """
        test.insert = """
            insert into t values (4); insert into log values (null, null), ('infinity', 'b');
            insert into none values (2, 'b');
            """
        test.update = "update t set id = 10 where id = 1; insert into log values (null, 'c');"
        test.delete = "delete from t where id = 2;"
        test.truncate = "truncate t;"
        return published(
            test,
            """
            create publication p for table t;
            create publication q for table log, none with (publish = 'insert');
            """, names: "p", "q")
    }

    /// 18 can send them: the target then has plain columns.
    private static var sentGenerated: Case {
        var test = shape(
            "publications: generated columns that are sent",
            "create table t (id int primary key, v int generated always as (id * 2) stored);",
            target: "create table t (id int primary key, v int);")
        test.rows = "insert into t select generate_series(1, 9);"
        test.insert = "insert into t values (100);"
        test.update = "update t set id = 50 where id = 5;"
        test.delete = "delete from t where id in (1, 50);"
        test.truncate = "truncate t; insert into t values (7);"
        let own = published(
            test, "create publication p for table t with (publish_generated_columns = stored);",
            names: "p")
        var sent = own
        sent.skipped = { own.skipped($0) ?? Case.from(.v18)($0) }
        return sent
    }
}

extension Case {
    /// Compares these rows of the source's table with all of the target's.
    fileprivate mutating func seesOnSource(_ table: String, _ condition: String) {
        let view = "create view seen_\(table) as select * from \(table)"
        targetSetup = "\(targetSetup ?? setup)\n\(view);"
        setup += "\n\(view) where \(condition);"
        compare.append("select * from seen_\(table) order by 1")
    }
}
