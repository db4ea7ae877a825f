/// Values out of line that an update leaves alone are not sent.
extension IdentityCases {
    private static func wide(_ name: String, _ setup: String) -> Case {
        var test = Case(group: .identity, name: "unchanged TOAST, \(name)", setup: setup)
        test.rows = """
            insert into t select i, i, repeat('a', 3000), repeat('b', 3000)
            from generate_series(1, 20) i;
            """
        test.insert = "insert into t values (100, 100, repeat('n', 9000), null);"
        test.update = """
            update t set small = 0 where id < 5;
            update t set big = repeat('c', 5000) where id between 5 and 7;
            update t set big = null where id = 8; update t set other = 'short' where id = 9;
            update t set id = id + 200 where id between 10 and 12;
            update t set id = id + 200, big = 'moved' where id = 13;
            begin; update t set small = -1 where id = 14; update t set small = -2 where id = 14;
            update t set big = repeat('d', 4000) where id = 14;
            update t set small = -3 where id = 14; commit;
            begin; insert into t values (300, 0, repeat('e', 4000), repeat('f', 4000));
            update t set small = 1 where id = 300; update t set id = 301 where id = 300; commit;
            begin; update t set id = 500 where id = 15; update t set small = 5 where id = 500;
            update t set id = 15 where id = 500; commit;
            """
        test.delete = "delete from t where id in (1, 210, 213, 301); delete from t where id = 14;"
        test.truncate = "truncate t;"
        return test
    }

    static let wide = [
        wide(
            "default",
            """
            create table t (id int primary key, small int, big text, other text);
            alter table t alter big set storage external, alter other set storage external;
            """),
        wide(
            "index",
            """
            create table t (id int not null, small int, big text, other text);
            alter table t alter big set storage external, alter other set storage external;
            create unique index t_id on t (id); alter table t replica identity using index t_id;
            """),
        wide(
            "full",
            """
            create table t (id int, small int, big text, other text);
            alter table t alter big set storage external, alter other set storage external;
            alter table t replica identity full;
            """),
        wide(
            "full with a primary key",
            """
            create table t (id int primary key, small int, big text, other text);
            alter table t alter big set storage external, alter other set storage external;
            alter table t replica identity full;
            """),
        wideKey,
    ]

    /// The server then sends the old key even if it has not changed.
    private static var wideKey: Case {
        var test = Case(
            group: .identity, name: "unchanged TOAST, in a key column",
            setup: """
                create table t (k text, n int, v int, big text, primary key (k, n));
                alter table t alter k set storage external, alter big set storage external;
                """)
        test.rows = """
            insert into t select repeat(chr(64 + i), 2300), i, 0, repeat('b', 3000)
            from generate_series(1, 12) i;
            """
        test.insert = "insert into t values (repeat('z', 2300), 100, 0, null), ('short', 1, 0, '');"
        test.update = """
            update t set v = 1 where n = 1; update t set n = 50 where n = 2;
            update t set k = repeat('y', 2300) where n = 3; update t set k = 'short' where n = 4;
            update t set big = repeat('c', 3000) where n = 5; update t set big = null where n = 6;
            begin; update t set v = 1 where n = 7; update t set v = 2 where n = 7;
            update t set k = repeat('x', 2300) where n = 7; update t set v = 3 where n = 7; commit;
            """
        test.delete = "delete from t where n in (1, 50, 3, 7, 100);"
        test.truncate = "truncate t;"
        return test
    }
}
