import LeatTestSupport

/// Targets whose tables have another identity than the source's, and tables that have none.
extension IdentityCases {
    private static let plain = "create table t (id numeric primary key, v text);"

    private static func onTarget(_ name: String, _ setup: String) -> Case {
        var test = Case(
            group: .identity, name: "on the target: \(name)", setup: plain, targetSetup: setup)
        test.rows = "insert into t select i + 0.0, 'v' from generate_series(1, 20) i;"
        test.insert = "insert into t values (100, null);"
        test.update = """
            update t set v = 'w' where id < 5; update t set id = id * 1.00 where id = 6;
            update t set id = id + 100 where id between 10 and 12;
            """
        test.delete = "delete from t where id in (1, 6, 100, 110);"
        test.truncate = "truncate t;"
        test.compare = ["select id, v from t order by id, v"]
        return test
    }

    static let onTarget = [
        onTarget("no key", "create table t (id numeric, v text);"),
        onTarget(
            "a deferrable key",
            "create table t (id numeric primary key deferrable initially deferred, v text);"),
        onTarget(
            "a partial unique index",
            "create table t (id numeric, v text); create unique index on t (id) where id > 3;"),
        onTarget(
            "an index on an expression",
            "create table t (id numeric, v text); create unique index on t (abs(id));"),
        onTarget(
            "a key of more columns",
            "create table t (id numeric, v text, own int default 1, primary key (id, own));"),
        wholeToKey,
    ]

    private static var wholeToKey: Case {
        var test = onTarget("a key where the source has none", plain)
        test.setup = "create table t (id numeric, v text); alter table t replica identity full;"
        return test
    }

    // MARK: Refused

    private static func refused(_ name: String, _ setup: String, _ words: String...) -> Case {
        var test = Case(group: .identity, name: "refused: \(name)", setup: setup)
        test.rows = "insert into t values (1, 1);"
        // The mend that Leat names.
        let mend = "alter table \"public\".\"t\" replica identity "
            .replacing("public", with: test.schema)
        let refusal = Case.Refusal(moment: .start, exitCode: 6, words: words + [mend])
        test.refusal = { _ in refusal }
        test.skipped = Case.toSameVersion("the source alone is asked")
        test.textOnly = Case.regardlessOfForm
        return test
    }

    /// Updates of such a table fail on 18 as soon as it is published; before, the identity is
    /// sent without the column, and no row could be found.
    private static func generated(
        _ name: String, _ setup: String, _ words: String, from version: PostgresVersion = .v15
    ) -> Case {
        var test = Case(group: .identity, name: "refused: \(name)", setup: setup)
        test.rows = "insert into t (id) values (1);"
        let mend = "-- \(test.schema).t first needs a unique index"
        let refusal = Case.Refusal(moment: .start, exitCode: 6, words: [words, mend])
        test.refusal = { _ in refusal }
        test.skipped = { versions in
            Case.toSameVersion("the source alone is asked")(versions)
                ?? (versions.source.rawValue < version.rawValue
                    ? "before \(version) its updates are taken: a case of its own" : nil)
        }
        test.textOnly = Case.regardlessOfForm
        return test
    }

    static let refused = [
        generated(
            "a generated column in the key",
            "create table t (id int, twice int generated always as (id * 2) stored primary key);",
            "its replica identity has a generated column, which is not sent"),
        generated(
            "full, with generated columns, on 18",
            """
            create table t (id int, twice int generated always as (id * 2) stored);
            alter table t replica identity full;
            """, "its replica identity is FULL, and its generated columns are not sent", from: .v18),
        refused("no key", "create table t (id int, v int);", "it has no primary key"),
        refused(
            "nothing",
            "create table t (id int primary key, v int) ; "
                + "alter table t replica identity nothing;", "its replica identity is NOTHING"),
        refused(
            "a deferrable primary key",
            "create table t (id int primary key deferrable, v int);",
            "its primary key is deferrable"),
        refused(
            "a deferrable unique constraint",
            "create table t (id int not null unique deferrable, v int);", "it has no primary key"),
        refused(
            "a partial unique index",
            "create table t (id int not null, v int); create unique index on t (id) where id > 0;",
            "it has no primary key"),
        refused(
            "an identity index that was dropped",
            """
            create table t (id int primary key, v int not null);
            create unique index t_v on t (v); alter table t replica identity using index t_v;
            drop index t_v;
            """, "its replica identity index is gone"),
    ]
}
