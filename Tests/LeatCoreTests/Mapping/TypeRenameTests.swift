import LeatCore
import PGWire
import Testing

@Suite("Types of renamed schemas")
struct TypeRenameTests {
    private static let rules = try? RenameRules(["shop=App,shop.users=app.people"])

    private static func types(_ schema: String) -> [CatalogType] {
        [
            CatalogType(oid: 25, schema: "pg_catalog", name: "text", kind: .base, category: "S"),
            CatalogType(
                oid: 100, schema: schema, name: "mood", kind: .enum, category: "E",
                labels: ["sad"]),
            CatalogType(
                oid: 101, schema: schema, name: "_mood", kind: .base, category: "A", inner: 100),
            CatalogType(
                oid: 102, schema: schema, name: "Pair", kind: .composite, category: "C",
                fields: [
                    .init(definition: #""shop.mood" text"#, typeOID: 25),
                    .init(definition: #""a" \#(schema).mood"#, typeOID: 100),
                    .init(definition: #""b" \#(schema).mood[]"#, typeOID: 101),
                ]),
            CatalogType(oid: 103, schema: schema, name: "users", kind: .composite, category: "C"),
        ]
    }

    private func renamed(on target: [CatalogType]) throws -> TypeCatalog {
        let rules = try #require(Self.rules)
        return TypeCatalog(Self.types("shop")).renamed(by: rules, on: TypeCatalog(target))
    }

    @Test("have the target's names, also within other types")
    func moved() throws {
        let catalog = try renamed(
            on: Self.types(#""App""#).map { type in
                var type = type
                if type.schema != "pg_catalog" { type.schema = "App" }
                return type
            })

        #expect(catalog[100]?.fullName == TableName(schema: "App", name: "mood"))
        #expect(catalog[101]?.fullName == TableName(schema: "App", name: "_mood"))
        #expect(catalog[103]?.fullName == TableName(schema: "app", name: "people"))
        #expect(
            catalog[102]?.fields.map(\.definition) == [
                #""shop.mood" text"#, #""a" "App".mood"#, #""b" "App".mood[]"#,
            ])
        #expect(catalog[25]?.schema == "pg_catalog")
    }

    @Test("stay where the target has them nowhere else")
    func stayed() throws {
        let catalog = try renamed(on: Self.types("shop"))

        #expect([100, 101, 102].allSatisfy { catalog[$0]?.schema == "shop" })
        #expect(catalog[102]?.fields.last?.definition == #""b" shop.mood[]"#)
    }

    @Test("are made where the tables go if the target has none, but for those of an extension")
    func made() throws {
        var types = Self.types("shop")
        types[1].provider = .init(name: "moods", schema: "shop")
        let rules = try #require(Self.rules)

        let catalog = TypeCatalog(types).renamed(by: rules, on: TypeCatalog([]))

        #expect(catalog[100]?.schema == "shop")
        #expect(catalog[102]?.schema == "App")
    }

    @Test("that were dropped since have their twins there")
    func dropped() throws {
        let rules = try #require(Self.rules)
        let target = TypeCatalog([
            CatalogType(oid: 7, schema: "App", name: "gone", kind: .enum, category: "E")
        ])
        let type = CatalogType(
            .init(oid: 5, schema: "shop", name: "gone"), target: target, renamedBy: rules)

        #expect(type.fullName == TableName(schema: "App", name: "gone"))
        #expect(type.kind == .enum)
    }
}
