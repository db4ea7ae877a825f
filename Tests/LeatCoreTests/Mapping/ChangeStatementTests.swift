import LeatCore
import PGWire
import Testing

@Suite("Change statements")
struct ChangeStatementTests {
    private static let pair = TablePair([("id", "int4"), ("v", "text"), ("n", "numeric")])
    private let equals = "OPERATOR(pg_catalog.=)"

    private func pair(
        identity full: Bool = false, key: [String] = ["id"]
    ) -> TablePair {
        TablePair(
            [("id", "int4"), ("v", "text")], key: key, identity: full ? .full : .default)
    }

    /// Such as `new 0` or `old 1`.
    private func parameters(_ statement: ChangeStatement) -> [String] {
        statement.parameters.map { "\($0.isOld ? "old" : "new") \($0.column)" }
    }

    @Test("an insert names its columns and overrides what the target would number itself")
    func insert() throws {
        let insert = try Self.pair.plan().insert()

        #expect(
            insert.sql == """
                insert into "shop"."item" ("id", "v", "n") overriding system value \
                values ($1, $2, $3)
                """)
        #expect(insert.types == ["int4", "text", "numeric"].map(Types.oid))
        #expect(parameters(insert) == ["new 0", "new 1", "new 2"])
    }

    @Test("parameters have the target's types")
    func targetTypes() throws {
        var pair = Self.pair
        pair.target.columns[0] = .plain("id", "int8")

        #expect(try pair.plan().insert().types.first == Types.oid("int8"))
        #expect(try pair.plan().delete().types == [Types.oid("int8")])
    }

    @Test("a row without columns is inserted by its defaults")
    func noColumns() throws {
        let insert = try TablePair([], key: []).plan().insert()

        #expect(insert.sql == #"insert into "shop"."item" default values"#)
        #expect(insert.parameters.isEmpty)
    }

    @Test("an update without an old tuple finds its row by the new key")
    func updateByNewKey() throws {
        let update = try #require(try Self.pair.plan().update(old: .none, unchanged: []))

        #expect(
            update.sql == """
                update only "shop"."item" set "id" = $1, "v" = $2, "n" = $3 \
                where "id" \(equals) $4
                """)
        #expect(parameters(update) == ["new 0", "new 1", "new 2", "new 0"])
    }

    @Test("an update with a key tuple finds its row by the old key")
    func updateByOldKey() throws {
        let update = try #require(try Self.pair.plan().update(old: .key, unchanged: []))

        #expect(parameters(update) == ["new 0", "new 1", "new 2", "old 0"])
    }

    @Test("unchanged TOAST is neither set nor sent")
    func unchangedTOAST() throws {
        let update = try #require(try Self.pair.plan().update(old: .none, unchanged: [1]))

        #expect(
            update.sql == """
                update only "shop"."item" set "id" = $1, "n" = $2 where "id" \(equals) $3
                """)
        #expect(update.types == ["int4", "numeric", "int4"].map(Types.oid))
        #expect(parameters(update) == ["new 0", "new 2", "new 0"])
    }

    @Test("an update that can set nothing is none")
    func nothingToSet() throws {
        #expect(try Self.pair.plan().update(old: .key, unchanged: [0, 1, 2]) == nil)
        var pair = TablePair([("id", "int4")])
        pair.target.columns[0].identity = .always
        #expect(try pair.plan().update(old: .none, unchanged: []) == nil)
    }

    @Test("a delete finds its row by the old key, its columns in the index's order")
    func delete() throws {
        var pair = TablePair([("a", "int4"), ("b", "text"), ("v", "text")], key: ["a", "b"])
        pair.target.uniqueIndexes = [
            .init(isPrimary: true, columns: ["b", "a"], operators: ["OPERATOR(ext.=)", equals])
        ]

        let delete = try pair.plan().delete()

        #expect(
            delete.sql == """
                delete from only "shop"."item" where "b" OPERATOR(ext.=) $1 and "a" \(equals) $2
                """)
        #expect(parameters(delete) == ["old 1", "old 0"])
    }

    @Test("without an index exactly one of the rows with the identity's bytes is taken")
    func record() throws {
        var pair = pair()
        pair.target.uniqueIndexes = []

        #expect(
            try pair.plan().delete().sql == """
                delete from only "shop"."item" where ctid = (select t.ctid from only \
                "shop"."item" t where t."id" is not distinct from $1 and row(t."id")::pg_catalog.record operator(pg_catalog.*=) \
                row($1)::pg_catalog.record limit 1)
                """)
    }

    @Test("under FULL every column is compared, behind the key where there is one")
    func full() throws {
        let withKey = try pair(identity: true).plan().delete()
        let without = try pair(identity: true, key: []).plan().delete()

        #expect(
            withKey.sql == """
                delete from only "shop"."item" where ctid = (select t.ctid from only \
                "shop"."item" t where t."id" \(equals) $1 and t."id" is not distinct from $2 \
                and t."v" is not distinct from $3 and row(t."id", \
                t."v")::pg_catalog.record operator(pg_catalog.*=) row($2, \
                $3)::pg_catalog.record limit 1)
                """)
        #expect(parameters(withKey) == ["old 0", "old 0", "old 1"])
        #expect(!without.sql.contains(equals))
        #expect(parameters(without) == ["old 0", "old 1"])
    }

    @Test("an update under FULL numbers what it sets before what it looks for")
    func updateFull() throws {
        let update = try #require(
            try pair(identity: true, key: []).plan().update(old: .full, unchanged: [1]))

        #expect(update.sql.hasPrefix(#"update only "shop"."item" set "id" = $1 where ctid = "#))
        #expect(parameters(update) == ["new 0", "old 0", "old 1"])
    }

    @Test("a partitioned table is written with its partitions, rows addressed across them")
    func partitioned() throws {
        var keyed = pair()
        keyed.target.kind = .partitioned
        var full = pair(identity: true, key: [])
        full.target.kind = .partitioned

        #expect(
            try keyed.plan().delete().sql
                == #"delete from "shop"."item" where "id" \#(equals) $1"#)
        #expect(
            try full.plan().delete().sql.hasPrefix(
                """
                delete from "shop"."item" where (tableoid, ctid) = \
                (select t.tableoid, t.ctid from "shop"."item" t where t."id"
                """))
    }

    @Test("a column that the target numbers ALWAYS is not set but must be as it was")
    func identityAlways() throws {
        var pair = Self.pair
        pair.target.columns[2].identity = .always

        let update = try #require(try pair.plan().update(old: .none, unchanged: []))

        #expect(
            update.sql == """
                update only "shop"."item" set "id" = $1, "v" = $2 where "id" \(equals) $3 \
                and "n" is not distinct from $4
                """)
        #expect(parameters(update) == ["new 0", "new 1", "new 0", "new 2"])
        #expect(
            try pair.plan().update(old: .none, unchanged: [2])?.sql.contains("distinct") == false)
    }

    @Test("a key that the target numbers ALWAYS is looked for and not set")
    func keyIdentityAlways() throws {
        var pair = Self.pair
        pair.target.columns[0].identity = .always

        let update = try #require(try pair.plan().update(old: .none, unchanged: []))

        #expect(
            update.sql == """
                update only "shop"."item" set "v" = $1, "n" = $2 where "id" \(equals) $3
                """)
    }

    @Test("odd names are quoted wherever they stand")
    func oddNames() throws {
        let pair = TablePair(
            [(#"I"D"#, "int4"), ("select", "text")], key: [#"I"D"#], name: #"or"der; --"#)

        let update = try #require(try pair.plan().update(old: .none, unchanged: []))

        #expect(
            update.sql == """
                update only "shop"."or""der; --" set "I""D" = $1, "select" = $2 \
                where "I""D" \(equals) $3
                """)
    }
}
