import LeatCore
import PGWire
import Testing

@Suite("Statements that resolve a conflict")
struct ResolvingStatementTests {
    private func parameters(_ statement: ChangeStatement) -> [String] {
        statement.parameters.map { "\($0.isOld ? "old" : "new") \($0.column)" }
    }

    @Test("a row of the same key is made equal in the same statement")
    func replaces() throws {
        let statement = try #require(
            try TablePair([("id", "int4"), ("v", "text")]).plan().insertOrReplace())

        #expect(
            statement.sql == """
                insert into "shop"."item" as t ("id", "v") overriding system value \
                values ($1, $2) on conflict ("id") do update set "id" = excluded."id", \
                "v" = excluded."v"
                """)
        #expect(parameters(statement) == ["new 0", "new 1"])
        #expect(statement.types.count == 2)
    }

    @Test("a column that the target numbers ALWAYS is not set but must be as it was")
    func identityAlways() throws {
        var pair = TablePair([("id", "int4"), ("v", "text"), ("n", "int4")])
        pair.target.columns[2].identity = .always

        let statement = try #require(try pair.plan().insertOrReplace())

        #expect(
            statement.sql.hasSuffix(
                """
                set "id" = excluded."id", "v" = excluded."v" \
                where t."n" is not distinct from excluded."n"
                """))
        pair.target.columns[0].identity = .always
        let keyed = try #require(try pair.plan().insertOrReplace())
        #expect(keyed.sql.contains(#"do update set "v" = excluded."v" where t."n" is"#))
    }

    @Test("without a unique index on the key no row is made equal")
    func noKey() throws {
        var pair = TablePair([("id", "int4"), ("v", "text")])
        pair.target.uniqueIndexes = []
        #expect(try pair.plan().insertOrReplace() == nil)

        let full = TablePair([("id", "int4"), ("v", "text")], key: [], identity: .full)
        #expect(try full.plan().insertOrReplace() == nil)
    }

    @Test("what the new tuple leaves out is taken from the old one")
    func fromOld() throws {
        let statement = try TablePair([("id", "int4"), ("v", "text")]).plan()
            .insertUpdated(fromOld: [1])

        #expect(parameters(statement) == ["new 0", "old 1"])
        #expect(statement.sql.hasSuffix(#"("id", "v") overriding system value values ($1, $2)"#))
    }
}
