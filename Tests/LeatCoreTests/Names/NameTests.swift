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

    @Test(
        "what is quoted stands for itself, and blanks around it for nothing",
        arguments: [
            ("\"Users\"", "public.Users", true), ("\"users\"", "public.Users", false),
            (" item ", "public.item", true), ("\"a.b\"", "public.a.b", true),
            ("\"a*\"", "public.ab", false), ("\"a*\"*", "public.a*b", true),
            ("\"S\".\"T\"", "S.T", true), ("\"a\"\"b\"", "public.a\"b", true),
            ("\" a\"", "public. a", true),
        ])
    func quoted(_ pattern: String, _ table: String, _ expected: Bool) throws {
        try matches(pattern, table, expected)
    }

    @Test("commas within quotes are of a name")
    func lists() {
        #expect(TablePattern.texts(in: "a, \"b,c\" ,,d.e") == ["a", "\"b,c\"", "", "d.e"])
    }

    @Test(
        "near misses are in another schema, have other capitals, or another letter or two",
        arguments: [
            ("customers", ["crm.customers"]), ("USERS", ["public.Users"]),
            ("oders", ["public.orders"]), ("cust*", ["crm.customers"]), ("zzz", []), ("xd", []),
        ])
    func nearMisses(_ pattern: String, _ expected: [String]) throws {
        let tables = ["crm.customers", "public.Users", "public.orders", "public.id"].map { name in
            let parts = name.split(separator: ".").map(String.init)
            return TableName(schema: parts[0], name: parts[1])
        }

        let found = try #require(TablePattern(pattern)).nearMisses(among: tables)

        #expect(found.map(\.description) == expected)
        for table in found {
            #expect(try #require(TablePattern(TablePattern.text(of: table))).matches(table))
        }
    }

    @Test("options that match nothing: only --exclude may be of what is not sent")
    func unmatched() throws {
        let selection = Selection(options: [
            "--tables a*", "--tables b", "--exclude \"c d\"", "--exclude u", "--tables u",
        ])
        let table = { TableName(schema: "public", name: $0) }

        let unmatched = selection.unmatched(among: [table("ab")], unsent: [table("u")])

        #expect(unmatched.map(\.text) == ["--tables b", "--tables u", "--exclude \"c d\""])
        #expect(selection.names(table("b")))
        #expect(!selection.names(table("ab")))
    }

    @Test(
        "a pattern without a part, or with a quote that does not end, is none",
        arguments: ["", ".", "a.", ".a", " ", "\"a", "\"\"", "a\"b"])
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
