import LeatCore
import Testing

@Suite("Names that only look alike")
struct NormalisationTests {
    @Test("a composed and a decomposed letter make two tables")
    func tellsTablesApart() {
        let composed = TableName(schema: "public", name: "caf\u{E9}")
        let decomposed = TableName(schema: "public", name: "cafe\u{301}")

        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test("a pattern that is a name matches the one table of it")
    func patterns() throws {
        let names = [
            "caf\u{E9}", "cafe\u{301}", "q\"\u{301}x", "\"\u{200D}\"", "a.\u{301}b", "a=b", "*",
            " ", "'",
        ]
        let tables = names.flatMap { name in
            [TableName(schema: name, name: "t"), TableName(schema: "s", name: name)]
        }

        for table in tables {
            let pattern = try #require(TablePattern(TablePattern.text(of: table)), "\(table)")
            #expect(pattern.tableName == table)
            #expect(tables.filter(pattern.matches) == [table])
        }
        #expect(TablePattern("s.a*")?.tableName == nil)
    }
}
