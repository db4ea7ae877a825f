import LeatCore
import LeatTestSupport
import PGWire
import Testing

@Suite("Net rows by their keys")
struct KeyOrderTests {
    private func ordered(_ keys: [String]) -> [String] {
        let feed = RowFeed()
        for key in keys { _ = feed.insert(RowFeed.Row(key: key, value: "v", large: "L")) }
        let batch = feed.batch
        let order = feed.table.rowsByKey(of: batch.columns.span, in: batch.bytes.span.bytes)
        return order.map { batch.text(of: batch.columns[Int(feed.table.rows[Int($0)].key)]) ?? "" }
    }

    @Test("integers go by value")
    func integers() {
        #expect(
            ordered(["10", "9", "-3", "100", "-20", "0"]) == ["-20", "-3", "0", "9", "10", "100"])
    }

    @Test("texts go by the first bytes that differ")
    func texts() {
        let keys = (0..<50).map { "customer number \(1000 + $0 * 37 % 50)" }
        #expect(ordered(keys) == keys.sorted())
        #expect(ordered(["b", "", "ab", "a"]) == ["", "a", "ab", "b"])
    }

    @Test("each row is there once, whatever the keys are")
    func permutation() {
        var random = SeededGenerator(seed: SeededGenerator.printedSeed())
        let pieces = ["", "-", "7", "1e3", "999999999999999999999", "ü", "\u{0}", "abcdefghij"]
        for _ in 0..<200 {
            let keys = Set(
                (0..<Int.random(in: 0...40, using: &random)).map { _ in
                    (0..<3).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
                })
            #expect(ordered(Array(keys)).sorted() == keys.sorted())
        }
    }
}
