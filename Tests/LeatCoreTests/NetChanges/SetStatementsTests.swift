import LeatCore
import Testing

@Suite("Statements for sets")
struct SetStatementsTests {
    private func statements(_ pair: TablePair) throws -> SetStatements {
        SetStatements(try pair.plan(), staging: "leat_staging_1")
    }

    private let pair = TablePair([("id", "int4"), ("v", "text"), ("n", "numeric")])

    @Test("the staging table has the target's types and none of its constraints")
    func staging() throws {
        #expect(
            try statements(pair).createStaging == """
                create temporary table "leat_staging_1" on commit delete rows as \
                select 0::pg_catalog.int2 as operation, t."id" as c0, t."v" as c1, t."n" as c2 \
                from only "shop"."item" t with no data
                """)
        #expect(
            try statements(pair).copyToStaging([0], binary: true) == """
                copy pg_temp."leat_staging_1" (operation, c0) from stdin with (format binary)
                """)
    }

    @Test("a domain is staged as what it is made of, for it may refuse NULL")
    func domain() throws {
        var pair = pair
        let domain = Types.domain(9000, "price", over: Types.oid("numeric"))
        pair.targetTypes = Types.catalog(domain)
        pair.target.columns[2].typeOID = 9000
        #expect(
            try statements(pair).createStaging.contains(#"t."n"::"pg_catalog"."numeric" as c2"#))
    }

    @Test("rows are found by the index's own operator")
    func delete() throws {
        #expect(
            try statements(pair).delete() == """
                delete from only "shop"."item" t using pg_temp."leat_staging_1" w \
                where w.operation = 0 and t."id" OPERATOR(pg_catalog.=) w.c0
                """)
    }

    @Test("an update sets what was sent, and never the key")
    func update() throws {
        #expect(
            try statements(pair).update(operation: 2, unchanged: [1]) == """
                update only "shop"."item" t set "n" = w.c2 from pg_temp."leat_staging_1" w \
                where w.operation = 2 and t."id" OPERATOR(pg_catalog.=) w.c0
                """)
        #expect(try statements(pair).update(operation: 2, unchanged: [1, 2]) == nil)
    }

    @Test("a column that cannot be written must be as it was")
    func identityAlways() throws {
        var pair = pair
        pair.target.columns[2].identity = .always
        let update = try statements(pair).update(operation: 1, unchanged: [])
        #expect(update?.contains(#"set "v" = w.c1 from"#) == true)
        #expect(update?.hasSuffix(#"and t."n" is not distinct from w.c2"#) == true)
    }

    @Test("without a key on the target nothing is staged")
    func noKey() throws {
        var pair = pair
        pair.target.uniqueIndexes = []
        #expect(try SetStatements.form(pair.plan()) == nil)
        #expect(try SetStatements.form(self.pair.plan()) == .key([0]))
    }

    @Test("sets begin where they pay, and later over a slow network")
    func choice() {
        let near = SetChoice(roundTrip: .microseconds(30))
        let far = SetChoice(roundTrip: .milliseconds(20))
        #expect(!near.copiesInserts(5) && near.copiesInserts(100))
        #expect(!far.copiesInserts(1000) && far.copiesInserts(20_000))
        #expect(near.stages(200) && !far.stages(200))
        // Every commit empties all that there are.
        #expect(near.stages(200, tables: 4) && !near.stages(200, tables: 31))
        #expect(near.stages(1000, tables: 31) && near.stages(200, scans: true, tables: 31))
        #expect(near.worthFolding < far.worthFolding)
    }
}
