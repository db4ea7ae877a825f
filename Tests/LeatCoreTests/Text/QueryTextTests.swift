import LeatCore
import LeatTestSupport
import Testing

@Suite("The text of somebody's query")
struct QueryTextTests {
    @Test(
        "keeps names and loses values",
        arguments: [
            ("select 1", "select ?"),
            ("update t1 set v2 = 'a''b' where id = 12.5e3", "update t1 set v2 = ? where id = ?"),
            ("insert into t values (E'x\\'y', 3)", "insert into t values (?..."),
            ("select 'a\\', 'secret'", "select ?..."),
            ("select b'10', X'ff', N'n', e'v'", "select ?, ?, ?, ?"),
            (#"select "Col 1", "a""b" from "T""#, #"select "Col 1", "a""b" from "T""#),
            ("do $$ begin x; end $$", "do ?"), ("select $tag$ it's $$ in $tag$, 5", "select ?, ?"),
            ("select $1, $23 from t", "select $1, $23 from t"),
            ("select -- secret\n 2", "select ?"), ("select /* a /* b */ c */ x", "select x"),
            ("copy t from stdin\n\n", "copy t from stdin"),
            ("select 'unfinished", "select ?"), ("select $x$ unfinished", "select ?"),
            ("select /* unfinished", "select"), ("select \"unfinished", "select \"unfinished"),
            ("select a.b-5 from t_1, größe2", "select a.b-? from t_1, größe2"), ("", ""),
        ])
    func withoutValues(_ query: String, _ text: String) {
        #expect(QueryText.withoutValues(query) == text)
    }

    @Test("is cut at a length")
    func cut() {
        let text = QueryText.withoutValues(String(repeating: "word ", count: 100), limit: 20)

        #expect(text == "word word word wo...")
        #expect(QueryText.plain("select\n 'x'") == "select 'x'")
    }

    @Test("nothing makes it trap, and no digit of a constant is left")
    func anything() {
        var generator = SeededGenerator(seed: 7)
        let pieces = [
            "'", "\"", "$", "$$", "$a$", "--", "/*", "*/", "\\", "\n", "1", "x", " ", "é",
        ]
        for _ in 0..<5000 {
            let count = Int.random(in: 0..<12, using: &generator)
            let query = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }
                .joined()
            #expect(QueryText.withoutValues(query).count <= 160)
        }
    }
}
