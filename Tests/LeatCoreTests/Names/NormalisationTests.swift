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
}
