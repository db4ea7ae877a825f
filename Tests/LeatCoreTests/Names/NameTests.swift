import LeatCore
import PGWire
import Testing

@Suite("Names")
struct NameTests {
    @Test("a stream's name is up to 50 of a-z, 0-9 and _", arguments: ["a", "0", "_", "a_1"])
    func streamNames(_ text: String) throws {
        #expect(try #require(StreamName(text)).text == text)
        #expect(StreamName(text)?.objectName == "leat_\(text)")
        #expect(StreamName(String(repeating: "a", count: 50)) != nil)
        #expect(StreamName(String(repeating: "a", count: 51)) == nil)
    }

    @Test(
        "what a slot cannot be called names neither a stream nor a slot",
        arguments: ["", "A", "a-b", "a b", "ä", "a\u{0}", "a'b", "a\"", "a.b", "a\n"])
    func invalidNames(_ text: String) {
        #expect(StreamName(text) == nil)
        #expect(SlotName(text) == nil)
    }

    @Test("a slot's name has at most 63 characters")
    func slotNames() {
        #expect(SlotName(String(repeating: "a", count: 63)) != nil)
        #expect(SlotName(String(repeating: "a", count: 64)) == nil)
        #expect(SlotName("leat_a")?.description == "leat_a")
    }

    @Test("a table is printed plainly and quoted for SQL, ordered by schema first")
    func tableNames() {
        let odd = TableName(schema: "My Shop", name: #"it"em"#)

        #expect("\(odd)" == #"My Shop.it"em"#)
        #expect(odd.quoted == #""My Shop"."it""em""#)
        #expect(TableName(schema: "a", name: "z") < TableName(schema: "b", name: "a"))
        #expect(TableName(schema: "a", name: "y") < TableName(schema: "a", name: "z"))
    }

    @Test("an empty schema on the wire means pg_catalog")
    func emptySchema() {
        let relation = Relation(
            id: RelationID(rawValue: 1), schema: "", name: "t", replicaIdentity: .default,
            columns: [])

        #expect(TableName(relation) == TableName(schema: "pg_catalog", name: "t"))
    }
}

@Suite("Table patterns")
struct TablePatternTests {
    @Test(
        "a pattern matches the whole of schema and name",
        arguments: [
            ("item", "public.item", true), ("item", "shop.item", false),
            ("item", "public.items", false), ("shop.item", "shop.item", true),
            ("shop.*", "shop.anything", true), ("shop.*", "shop2.item", false),
            ("*.*", "a.b", true), ("*", "public.x", true), ("*", "shop.x", false),
            ("i?em", "public.item", true), ("i?em", "public.iem", false),
            ("a*b*c", "public.a12b34c", true), ("a*b*c", "public.a12c", false),
            ("a.b.c", "a.b.c", true), ("Item", "public.item", false), ("%", "public.x", false),
        ])
    func matches(_ pattern: String, _ table: String, _ expected: Bool) throws {
        let parts = table.split(separator: ".", maxSplits: 1).map(String.init)
        let name = TableName(schema: parts[0], name: parts[1])

        #expect(try #require(TablePattern(pattern)).matches(name) == expected)
    }

    @Test("a pattern without a part is none", arguments: ["", ".", "a.", ".a"])
    func refuses(_ pattern: String) {
        #expect(TablePattern(pattern) == nil)
    }

    @Test("many stars take no longer than few")
    func manyStars() throws {
        let name = TableName(schema: "public", name: String(repeating: "a", count: 63))
        let pattern = try #require(TablePattern(String(repeating: "*a", count: 20) + "b"))

        #expect(!pattern.matches(name))
    }
}
