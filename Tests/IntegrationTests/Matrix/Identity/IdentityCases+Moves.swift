/// What must stay in the order of the source.
extension IdentityCases {
    static let moves = [keyMoves, swapsWithin, swapsAcross, deferredSwaps, returns]

    private static var keyMoves: Case {
        var test = Case(
            group: .identity, name: "keys that move in chains and circles",
            setup: "create table t (id int primary key, v text);")
        test.rows = "insert into t select i, 'row ' || i from generate_series(1, 20) i;"
        test.insert = """
            begin; insert into t values (100, 'new'); update t set id = 101 where id = 100;
            update t set id = 102, v = 'moved' where id = 101; commit;
            """
        test.update = """
            update t set id = 50 where id = 5; update t set id = 5 where id = 4;
            update t set id = 4 where id = 3;
            begin; update t set id = -1 where id = 1; update t set id = 1 where id = 2;
            update t set id = 2 where id = -1; update t set v = v || '!' where id in (1, 2); commit;
            begin; update t set id = 200 where id = 20; update t set id = 20 where id = 200; commit;
            begin; update t set id = 60 where id = 6; insert into t values (6, 'another'); commit;
            """
        test.delete = """
            begin; update t set id = 70 where id = 7; delete from t where id = 70; commit;
            begin; delete from t where id = 8; update t set id = 8 where id = 9; commit;
            """
        test.truncate = """
            begin; update t set id = 300 where id = 10; truncate t;
            insert into t values (300, 'after'); update t set id = 10 where id = 300; commit;
            """
        return test
    }

    private static let uniqueTable = """
        create table t (id int primary key, u int unique, w text unique);
        """

    private static func swap(_ column: String, _ first: String, _ second: String) -> String {
        """
        update t set \(column) = null where \(column) = \(first);
        update t set \(column) = \(first) where \(column) = \(second);
        """
    }

    private static var swapsWithin: Case {
        var test = Case(
            group: .identity, name: "unique values that rows exchange within a transaction",
            setup: uniqueTable)
        test.rows = "insert into t select i, i, 'w' || i from generate_series(1, 20) i;"
        test.insert = "begin; delete from t where id = 20; insert into t values (21, 20, 'w20');"
        test.insert += " commit;"
        test.update = """
            begin; \(swap("u", "1", "2")) update t set u = 2 where id = 1; commit;
            begin; \(swap("w", "'w3'", "'w4'")) update t set w = 'w4' where id = 3;
            \(swap("u", "3", "4")) update t set u = 4 where id = 3; commit;
            begin; update t set u = null where id = 5; update t set u = 5 where id = 6;
            update t set u = 6 where id = 7; update t set u = 7 where id = 5; commit;
            """
        test.delete = """
            begin; delete from t where id = 10; update t set u = 10, w = 'w10' where id = 11;
            insert into t values (10, 11, 'w11'); commit;
            """
        test.truncate = "truncate t;"
        return test
    }

    private static var swapsAcross: Case {
        var test = Case(
            group: .identity, name: "unique values that rows exchange across transactions",
            setup: uniqueTable)
        test.rows = "insert into t select i, i, 'w' || i from generate_series(1, 20) i;"
        test.insert = "delete from t where id = 20; insert into t values (21, 20, 'w20');"
        test.update = """
            \(swap("u", "1", "2")) update t set u = 2 where id = 1;
            \(swap("w", "'w3'", "'w4'")) update t set w = 'w4' where id = 3;
            """
        test.delete = """
            delete from t where id = 10; update t set u = 10 where id = 11;
            insert into t values (10, 11, 'w10');
            """
        test.truncate = "truncate t; insert into t values (1, 1, 'w1');"
        return test
    }

    private static var deferredSwaps: Case {
        var test = Case(
            group: .identity, name: "unique values that are checked at the commit",
            setup: """
                create table t (id int primary key,
                  u int not null unique deferrable initially deferred);
                """)
        test.rows = "insert into t select i, i from generate_series(1, 10) i;"
        test.insert = """
            begin; insert into t values (11, 10); update t set u = 11 where id = 10; commit;
            """
        test.update = """
            begin; update t set u = 2 where id = 1; update t set u = 1 where id = 2; commit;
            update t set u = 12 - u;
            """
        test.delete = """
            begin; update t set u = (select u from t where id = 4) where id = 3;
            delete from t where id = 4; commit;
            """
        test.truncate = "truncate t;"
        return test
    }

    private static var returns: Case {
        var test = Case(
            group: .identity, name: "keys that are deleted and inserted again",
            setup: """
                create table t (id int primary key, v text, made int default 1);
                create table n (k numeric primary key, v text);
                """)
        test.rows = """
            insert into t select i, 'old', 0 from generate_series(1, 10) i;
            insert into n values (1.0, 'old'), (2, 'old');
            """
        test.insert = """
            begin; insert into t values (20, 'a'); delete from t where id = 20; commit;
            begin; insert into t values (21, 'a'); delete from t where id = 21;
            insert into t values (21, 'b'); update t set v = 'c' where id = 21; commit;
            """
        test.update = """
            begin; delete from t where id = 1; insert into t values (1, 'new'); commit;
            begin; update t set v = 'x' where id = 2; delete from t where id = 2;
            insert into t values (2, 'y'); delete from t where id = 2; commit;
            begin; delete from n where k = 1; insert into n values (1.00, 'new'); commit;
            delete from n where k = 2; insert into n values (2.0, 'new');
            """
        test.delete = "delete from t where v = 'new'; delete from n where k = 1.000;"
        test.truncate = "begin; truncate t; insert into t values (3, 'after'); commit;"
        return test
    }
}
