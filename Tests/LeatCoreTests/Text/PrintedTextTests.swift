import LeatCore
import PGWire
import Testing

@Suite("What is printed of names")
struct PrintedTextTests {
    @Test(
        "is on one line, and moves no cursor",
        arguments: [
            ("orders", "orders"), ("Größe 日本 👩‍👩‍👧", "Größe 日本 👩‍👩‍👧"), ("a\nb\r\tc", #"a\nb\r\tc"#),
            ("\u{1B}[2J\u{7F}\u{9B}", #"\x1B[2J\x7F\x9B"#),
            ("\u{202E}\u{2028}", #"\u{202E}\u{2028}"#),
            ("\u{E0041}\u{FEFF}", #"\u{E0041}\u{FEFF}"#), ("a\u{0}b", #"a\x00b"#),
        ])
    func line(_ text: String, _ printed: String) {
        #expect(PrintedText.line(text) == printed)
        #expect(PrintedText.line(printed) == printed)
        #expect(TableName(schema: text, name: text).description == "\(printed).\(printed)")
        #expect(NameList.text([text, text]) == "\(printed), \(printed)")
    }

    @Test("keeps the line breaks of a text, and a document of JSON what it means")
    func lines() {
        let document = "{\n\"a\u{202E}\u{E0041}\u{9B}\": 1}"

        #expect(PrintedText.lines("a\nb\u{1B}") == "a\nb\\x1B")
        #expect(PrintedText.json(document) == "{\n\"a\\u202E\\uDB40\\uDC41\\u009B\": 1}")
    }

    @Test(
        "is the same name to the server, in an identifier, and in a constant",
        arguments: [
            ("a\"b", #""a""b""#, "'a\"b'"), ("a\nb", #"U&"a\000Ab""#, #"E'a\u000Ab'"#),
            ("\\\u{202E}\"'", #"U&"\\\202E""'""#, #"E'\\\u202E"'''"#),
            ("\u{E0041}", #"U&"\+0E0041""#, #"E'\U000E0041'"#),
        ])
    func sql(_ name: String, _ identifier: String, _ literal: String) {
        #expect(SQLText.identifier(name) == identifier)
        #expect(SQLText.printedLiteral(name) == literal)
    }

    @Test(
        "is the same word to a shell",
        arguments: [
            ("a b", "'a b'"), ("a'\n\\", #"$'a\'\012\\'"#), ("\u{202E}1", #"$'\342\200\2561'"#),
            ("a'\u{301}; id #", "'a'\\''\u{301}; id #'"), ("'\u{200D}x", "''\\''\u{200D}x'"),
        ])
    func shell(_ word: String, _ printed: String) {
        #expect(ShellText.word(word).utf8.elementsEqual(printed.utf8))
    }
}
