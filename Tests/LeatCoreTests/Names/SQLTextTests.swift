import LeatCore
import Testing

@Suite("SQL text")
struct SQLTextTests {
    @Test(
        "an identifier is quoted, its quotes doubled",
        arguments: [
            ("a", #""a""#), ("", #""""#), ("Order", #""Order""#), (#"a"b"#, #""a""b""#),
            ("\"\"", "\"\"\"\"\"\""), (#"a\b'c"#, #""a\b'c""#), ("größe 上", #""größe 上""#),
        ])
    func identifier(_ name: String, _ expected: String) {
        #expect(SQLText.identifier(name) == expected)
    }

    @Test(
        "a constant is quoted, its quotes and backslashes doubled",
        arguments: [
            ("a", "'a'"), ("", "''"), ("it's", "'it''s'"), ("''", "''''''"),
            (#"a\b"#, #" E'a\\b'"#), (#"\'"#, #" E'\\'''"#), (#"a"b"#, #"'a"b'"#),
        ])
    func literal(_ text: String, _ expected: String) {
        #expect(SQLText.literal(text) == expected)
    }

    @Test("a quote is doubled also before a combining mark, with which it is one Character")
    func combiningMarks() {
        #expect(Array(SQLText.identifier("a\"\u{301}b").utf8) == Array("\"a\"\"\u{301}b\"".utf8))
        #expect(Array(SQLText.literal("a'\u{301}b").utf8) == Array("'a''\u{301}b'".utf8))
        #expect(
            Array(SQLText.literal("a\\\u{301}'\u{20E3}").utf8)
                == Array(" E'a\\\\\u{301}''\u{20E3}'".utf8))
    }

    @Test("an array of constants has a type even when it is empty")
    func textArray() {
        #expect(SQLText.textArray([]) == "'{}'::pg_catalog.text[]")
        #expect(SQLText.textArray(["a", "b'c"]) == #"'{"a","b''c"}'::pg_catalog.text[]"#)
    }
}
