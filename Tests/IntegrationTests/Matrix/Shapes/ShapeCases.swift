/// What a table is made of, and how the two sides may differ in it.
enum ShapeCases {
    static let all = partitions + partitionsInOtherForm + columns + targets + names + publications

    static func shape(_ name: String, _ setup: String, target: String? = nil) -> Case {
        Case(group: .shapes, name: name, setup: setup, targetSetup: target)
    }

    // MARK: Names

    private static let names = [oddNames, longNames, noColumns, inheritance, truncates]

    private static var oddNames: Case {
        let table = #""Tab\le ""x"" 'q'. %s $1 ü🐘""#
        var test = shape(
            "names of odd characters",
            #"""
            create table TABLE ("Id ""1""" int primary key, "select" text, "ünï. \x" text,
              "a'b" int, "new
            line" int, "tab	" int, "$1" int, "ctid " int);
            create table " " (" " int primary key, "  " int);
            create table "NULL" ("order" int, "Order" int, "ORDER" int);
            alter table "NULL" replica identity full;
            """#.replacing("TABLE", with: table))
        test.rows = #"""
            insert into TABLE select i, 'a', E'\\', i, i, i, i, i from generate_series(1, 9) i;
            insert into " " values (1, 1), (2, 2); insert into "NULL" values (1, 2, 3), (1, 2, 3);
            """#.replacing("TABLE", with: table)
        test.insert = """
            insert into \(table) values (100, '', '"', null, 1, 2, 3, 4);
            insert into " " values (3, 3);
            """
        test.update = #"""
            update TABLE set "select" = '"', "a'b" = 0, "$1" = 7 where "Id ""1""" < 5;
            update TABLE set "Id ""1""" = 50 where "Id ""1""" = 6;
            update " " set "  " = 0 where " " = 1; update " " set " " = 9 where " " = 2;
            update "NULL" set "Order" = 7 where ctid = (select min(ctid) from "NULL");
            """#.replacing("TABLE", with: table)
        test.delete = #"delete from TABLE where "Id ""1""" in (1, 50); delete from " ";"#
            .replacing("TABLE", with: table)
        test.truncate = #"truncate TABLE, "NULL";"#.replacing("TABLE", with: table)
        return test
    }

    private static var longNames: Case {
        let table = #""a table name of 63 bytes, which is as long as any of them can be""#
        let column = #""ein Spaltenname mit 63 Bytes, davon einige für das ü und das ß.""#
        var test = shape(
            "names of 63 bytes", "create table \(table) (\(column) int primary key, v int);")
        test.rows = "insert into \(table) values (1, 1), (2, 2), (3, 3);"
        test.insert = "insert into \(table) values (4, 4);"
        test.update = "update \(table) set v = 0 where \(column) = 1;"
        test.delete = "delete from \(table) where \(column) = 2;"
        test.truncate = "truncate \(table);"
        return test
    }

    // MARK: Few and many

    private static var noColumns: Case {
        var test = shape(
            "no columns at all",
            """
            create table t (); alter table t replica identity full;
            create table was (gone int); alter table was drop gone;
            alter table was replica identity full;
            """)
        test.rows = "insert into t default values; insert into was default values;"
        test.insert = """
            insert into t default values; insert into t default values;
            insert into was default values;
            """
        test.delete = """
            delete from t where ctid = (select min(ctid) from t); delete from was;
            """
        test.truncate = "truncate t; insert into t default values;"
        return test
    }

    private static var inheritance: Case {
        var test = shape(
            "inheritance",
            """
            create table parent (id int primary key, v text);
            create table child (more int, primary key (id)) inherits (parent);
            create table grandchild (primary key (id)) inherits (child);
            """)
        test.rows = """
            insert into parent select i, 'p' from generate_series(1, 9) i;
            insert into child select i, 'c', i from generate_series(1, 9) i;
            insert into grandchild select i, 'g', i from generate_series(5, 12) i;
            """
        test.insert = """
            insert into parent values (20, 'p'); insert into child values (20, 'c', null);
            insert into grandchild values (20, 'g', 0);
            """
        test.update = """
            update parent set v = v || 'x' where id = 1; update only parent set v = 'o' where id = 2;
            update child set more = 0 where id = 5; update parent set id = id + 30 where id = 6;
            update only child set v = 'o' where id = 7;
            """
        test.delete = """
            delete from parent where id = 5; delete from only parent where id = 7;
            delete from only child where id = 8; delete from grandchild where id = 20;
            """
        test.truncate = """
            truncate only parent; insert into parent values (1, 'after'); truncate child;
            insert into grandchild values (1, 'after', 1);
            """
        return test
    }

    private static var truncates: Case {
        var test = shape(
            "TRUNCATE of several tables",
            """
            create table a (id serial primary key, v int);
            create table b (id int primary key, a_id int references a);
            create table c (id int primary key, b_id int references b);
            create table d (id int generated by default as identity primary key);
            create table e (id int primary key);
            """)
        test.rows = """
            insert into a (v) select i from generate_series(1, 5) i;
            insert into b select i, i from generate_series(1, 5) i;
            insert into c select i, i from generate_series(1, 5) i;
            insert into d default values; insert into e select generate_series(1, 5);
            """
        test.insert = "truncate d, e restart identity; insert into d default values;"
        test.update =
            "begin; insert into e values (9); truncate e; insert into e values (1); commit;"
        test.delete = "begin; savepoint s; truncate e, c; rollback to s; truncate c; commit;"
        test.truncate = """
            truncate a restart identity cascade; insert into a (v) values (1);
            insert into b values (1, 1);
            """
        return test
    }
}
