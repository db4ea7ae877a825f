import LeatCore
import PGWire
import Testing

@Suite("What a stream may never show of a changed definition")
struct KnownDefinitionsTests {
    private static let types = TypeCatalog([
        CatalogType(oid: 23, schema: "pg_catalog", name: "int4", kind: .base, category: "N"),
        CatalogType(oid: 20, schema: "pg_catalog", name: "int8", kind: .base, category: "N"),
        CatalogType(oid: 25, schema: "pg_catalog", name: "text", kind: .base, category: "S"),
    ])

    private func definition(
        node: UInt32 = 1, number: Int = 2, type: UInt32 = 23, version: UInt32 = 750
    ) -> TableDefinition {
        TableDefinition(
            files: [.init(oid: 16389, node: node)],
            columns: [
                SourceColumn(number: 1, name: "id", typeOID: 23, version: 750),
                SourceColumn(number: number, name: "v", typeOID: type, version: version),
            ])
    }

    private func unshown(
        _ known: KnownDefinitions, _ now: TableDefinition
    ) -> [DefinitionChange.Doubt] {
        known.unshown(in: now, sent: ["id", "v"], types: Self.types).map(\.doubt)
    }

    @Test("a column made again under its name")
    func remade() {
        let known = KnownDefinitions(definition())

        #expect(unshown(known, definition(number: 3)) == [.remade(column: "v")])
        #expect(unshown(known, definition()).isEmpty)
    }

    @Test("the same, where it was seen without the column between")
    func remadeBetween() {
        var known = KnownDefinitions(definition())
        var without = definition()
        without.columns.removeLast()
        _ = known.look(without, at: 100)

        #expect(unshown(known, definition(number: 3)) == [.remade(column: "v")])
    }

    @Test("columns that an ALTER has rewritten, also where none of the rows is left")
    func rewritten() {
        var known = KnownDefinitions(definition())
        _ = known.look(definition(version: 760), at: 100)
        #expect(known.rewrittenAhead.isEmpty)
        _ = known.look(definition(node: 2, version: 760), at: 200)
        #expect(known.rewrittenAhead == ["v"])
        known.follow()
        #expect(known.rewrittenAhead.isEmpty)
    }

    @Test("another type that the one of before holds; not one that it does not")
    func retyped() {
        let (narrow, wide) = (definition(), definition(node: 2, type: 20, version: 760))
        let narrower = definition(node: 2, type: 23, version: 760)

        #expect(unshown(KnownDefinitions(narrow), wide).isEmpty)
        #expect(KnownDefinitions(narrow).isRetyped(in: wide, sent: ["v"]))
        #expect(
            unshown(KnownDefinitions(definition(type: 20)), narrower)
                == [.retyped(column: "v", type: "int4")])
    }

    @Test("a type that was another one for a while")
    func returned() {
        var known = KnownDefinitions(definition())
        _ = known.look(definition(node: 2, type: 20, version: 760), at: 100)
        let back = definition(node: 3, version: 770)

        #expect(
            known.returned(to: back, sent: ["v"]).map(\.doubt) == [.rewritten(column: "v")])
        known.follow()
        #expect(known.returned(to: back, sent: ["v"]).isEmpty)
    }

    @Test("what was seen is shown by a relation that has its columns")
    func shown() {
        var known = KnownDefinitions(definition())
        #expect(known.isSentAlike)
        _ = known.look(definition(node: 2, type: 20, version: 760), at: 100)
        #expect(!known.isSentAlike)

        for (type, isShown) in [(UInt32(23), false), (20, true)] {
            let relation = Relation(
                id: RelationID(rawValue: 16389), schema: "public", name: "t",
                replicaIdentity: .default,
                columns: [
                    RelationColumn(isKey: true, name: "id", typeOID: 23, typeModifier: -1),
                    RelationColumn(isKey: false, name: "v", typeOID: type, typeModifier: -1),
                ])
            #expect(known.isShown(by: relation) == isShown)
        }
    }

    @Test("a doubt ends at the first base that was made after it was noticed")
    func doubt() {
        var doubt = ArchiveDoubt(
            table: TableName(schema: "public", name: "t"), reason: "r", since: 100, noticed: 200)
        doubt.end(at: [50, 150])
        #expect(doubt.isOpen && doubt.concerns(1000))

        doubt.end(at: [50, 150, 300, 400])

        #expect(doubt.until == 300)
        #expect(doubt.concerns(299) && !doubt.concerns(300))
    }
}
