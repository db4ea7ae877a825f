import LeatCore
import PGWire
import Testing

@Suite("Binary safety")
struct BinarySafetyTests {
    private func unsafe(_ types: [String], from source: Int = 0, to target: Int = 0) throws
        -> [String]
    {
        var pair = TablePair(types.map { ($0, $0) }, key: [])
        pair.sourceTypes = Types.catalog(server: .init(version: source))
        pair.targetTypes = Types.catalog(server: .init(version: target))
        return try unsafe(pair)
    }

    private func unsafe(_ pair: TablePair) throws -> [String] {
        let safety = BinarySafety(sourceTypes: pair.sourceTypes, targetTypes: pair.targetTypes)
        return safety.unsafeColumns(try pair.plan())
    }

    @Test("types whose binary form is the same everywhere are safe, and arrays and ranges of them")
    func safe() throws {
        let types = [
            "bool", "int2", "int8", "float8", "numeric", "text", "bytea", "timestamptz", "uuid",
            "jsonb", "inet", "bit", "int4range", "_int4", "_numeric", "interval",
        ]

        #expect(try unsafe(types).isEmpty)
    }

    @Test("types that name OIDs or change between versions are not")
    func unsafe() throws {
        #expect(
            try unsafe(["regclass", "money", "xml", "tsvector", "int4", "int2vector"]) == [
                "shop.item.regclass", "shop.item.money", "shop.item.xml", "shop.item.tsvector",
                "shop.item.int2vector",
            ])
    }

    @Test("an interval is safe between servers that both know infinity, or both do not")
    func intervals() throws {
        #expect(try unsafe(["interval"], from: 150_018, to: 160_004).isEmpty)
        #expect(try unsafe(["interval"], from: 170_002, to: 180_000).isEmpty)
        #expect(try unsafe(["interval"], from: 160_004, to: 170_000) == ["shop.item.interval"])
        #expect(try unsafe(["interval"], from: 180_000, to: 150_018) == ["shop.item.interval"])
    }

    @Test("another type on the target takes text")
    func otherType() throws {
        var pair = TablePair([("n", "int4")], key: [])
        pair.target.columns = [.plain("n", "int8")]

        #expect(try unsafe(pair) == ["shop.item.n"])
    }

    @Test("enums and domains of safe types are safe, arrays of enums are not: they name an OID")
    func userTypes() throws {
        var pair = TablePair([("e", "int4"), ("d", "int4"), ("a", "int4")], key: [])
        let catalog = Types.catalog(
            Types.enumeration(90, "mood", ["ok"]), Types.domain(91, "amount", over: 1700),
            Types.array(92, "_mood", of: 90, schema: "shop"))
        for (index, oid) in [90, 91, 92].enumerated() {
            pair.relation.columns[index].typeOID = UInt32(oid)
            pair.target.columns[index].typeOID = UInt32(oid)
        }
        (pair.sourceTypes, pair.targetTypes) = (catalog, catalog)

        #expect(try unsafe(pair) == ["shop.item.a"])
    }
}
