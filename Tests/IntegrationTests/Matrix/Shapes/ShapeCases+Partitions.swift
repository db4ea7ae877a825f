import LeatTestSupport

/// Partitioned tables, whose changes come in the root's name.
extension ShapeCases {
    private static let list = """
        create table t (id int, region text, v text, primary key (id, region))
          partition by list (region);
        create table t_eu partition of t for values in ('eu');
        create table t_us partition of t for values in ('us');
        create table t_rest partition of t default;
        """

    private static let several = """
        create table t (id int, region text, v text, primary key (id, region))
          partition by list (region);
        create table t_eu partition of t for values in ('eu') partition by range (id);
        create table t_eu_low partition of t_eu for values from (minvalue) to (10);
        create table t_eu_high partition of t_eu for values from (10) to (maxvalue);
        create table t_rest (v text, region text not null, gone int, id int not null);
        alter table t_rest drop gone;
        alter table t attach partition t_rest default;
        """

    private static let hash = """
        create table t (region text, id int, v text, primary key (region, id))
          partition by hash (id);
        create table t_0 partition of t for values with (modulus 2, remainder 0);
        create table t_1 partition of t for values with (modulus 2, remainder 1);
        """

    private static let plain = """
        create table t (id int, region text, v text, primary key (id, region));
        """

    /// - Parameter sameLeaves: Whether both sides have the same partitions.
    private static func parted(
        _ name: String, _ setup: String, target: String? = nil, sameLeaves: Bool = false
    ) -> Case {
        var test = shape(name, setup, target: target)
        test.rows = """
            insert into t select i, case i % 3 when 0 then 'eu' when 1 then 'us' else 'x' end, 'v'
            from generate_series(1, 30) i;
            """
        test.insert = """
            insert into t values (100, 'eu', 'n'), (101, 'us', null), (102, '', repeat('l', 9000));
            """
        test.update = """
            update t set v = 'w' where id % 2 = 0;
            update t set id = id + 200 where id in (3, 4, 5);
            update t set region = 'us' where id in (6, 9); update t set region = 'eu' where id = 8;
            begin; update t set region = 'us' where id = 12; update t set v = 'm' where id = 12;
            update t set region = 'eu' where id = 12; commit;
            """
        test.delete = "delete from t where id in (1, 2, 6, 12, 203); delete from t where v is null;"
        test.truncate = "truncate t; insert into t values (1, 'eu', 'a'), (2, 'us', 'a');"
        if !sameLeaves { test.compare = ["select id, region, v from t order by 1, 2"] }
        return test
    }

    static let partitions = [
        parted("partitions: by way of the root", list, sameLeaves: true),
        parted("partitions: of several levels", several, sameLeaves: true),
        parted("partitions: others on the target", several, target: hash),
        parted("partitions: a plain table on the target", several, target: plain),
        parted("partitions: a plain table on the source", plain, target: several),
        wholePartitions, defaultRows,
    ]

    private static var wholePartitions: Case {
        var test = shape(
            "partitions: REPLICA IDENTITY FULL on every level",
            """
            create table t (id int, v text) partition by range (id);
            create table t_low partition of t for values from (minvalue) to (10);
            create table t_high partition of t for values from (10) to (maxvalue);
            alter table t replica identity full;
            alter table t_low replica identity full; alter table t_high replica identity full;
            """)
        test.rows = """
            insert into t select i, 'v' from generate_series(1, 20) i;
            insert into t values (1, 'v'), (1, null), (1, null), (15, 'v');
            """
        test.insert = "insert into t values (1, null), (30, null), (30, null);"
        test.update = """
            update t set v = 'w' where (tableoid, ctid) =
              (select tableoid, ctid from t where id = 1 and v is null limit 1);
            update t set id = id + 10 where id = 3; update t set id = 5 where id = 15;
            """
        test.delete = """
            delete from t where (tableoid, ctid) = (select tableoid, ctid from t where id = 1 limit 1);
            delete from t where id = 30;
            """
        test.truncate = "truncate t; insert into t values (1, 'a'), (11, 'a');"
        return test
    }

    /// The identity of the leaves is another than that of the root, which has more in it.
    private static var defaultRows: Case {
        var test = shape(
            "partitions: rows that move with a wide value",
            """
            create table t (id int, region text, small int, big text, primary key (id, region))
              partition by list (region);
            create table t_eu partition of t for values in ('eu');
            create table t_us partition of t for values in ('us');
            alter table t_eu alter big set storage external;
            alter table t_us alter big set storage external;
            """)
        test.rows = """
            insert into t select i, 'eu', 0, repeat('b', 5000) from generate_series(1, 10) i;
            """
        test.insert = "insert into t values (20, 'us', 0, repeat('c', 5000));"
        test.update = """
            update t set region = 'us' where id < 4; update t set small = 1 where id < 6;
            begin; update t set small = 2 where id = 7; update t set region = 'us' where id = 7;
            update t set small = 3 where id = 7; commit;
            """
        test.delete = "delete from t where id in (1, 7, 20);"
        test.truncate = "truncate t;"
        return test
    }

    // MARK: Partitions that do not come by way of a root of this stream

    static let partitionsInOtherForm = [leafToLeaf, truncatedLeaf, unloggedLeaf, foreignLeaf]

    /// A publication of the source's administrator.
    static func published(_ test: Case, _ publications: String, names: String...) -> Case {
        var test = test
        test.rows += "\n" + publications
        test.home = Case.Home()
        test.options = names.flatMap { ["--publication", $0] }
        test.skipped = Case.toSameVersion("the target does not know of publications")
        return test
    }

    private static var leafToLeaf: Case {
        let test = parted("partitions: leaf to leaf", several, sameLeaves: true)
        return published(
            test,
            "create publication p for table t with (publish_via_partition_root = false);",
            names: "p")
    }

    private static var truncatedLeaf: Case {
        var test = parted(
            "partitions: one alone is truncated, leaf to leaf", list, sameLeaves: true)
        test.truncate = "truncate t_eu; insert into t values (1, 'eu', 'after');"
        return published(
            test,
            "create publication p for table t with (publish_via_partition_root = false);",
            names: "p")
    }

    private static func unfit(_ name: String, _ leaf: String, _ words: String) -> Case {
        var test = shape(
            name, "create table t (id int, v int, primary key (id)) partition by range (id);",
            target: "create table t (id int, v int) partition by range (id); \(leaf)")
        test.setup += " create table t_all partition of t default;"
        test.rows = "insert into t values (1, 1);"
        test.compare = [Case.relations]
        test.refusal = { _ in .start(6, "cannot be used", words) }
        test.skipped = Case.toSameVersion("catalogs are read alike")
        test.textOnly = Case.regardlessOfForm
        return test
    }

    private static let unloggedLeaf = unfit(
        "refused: an unlogged partition on the target",
        "create unlogged table t_all partition of t default;", "t_all is unlogged")

    private static let foreignLeaf = unfit(
        "refused: a foreign partition on the target",
        """
        create foreign data wrapper away; create server away foreign data wrapper away;
        create foreign table t_all partition of t default server away;
        """, "t_all is a foreign table")
}
