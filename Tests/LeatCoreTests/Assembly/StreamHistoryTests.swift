import LeatTestSupport
import Testing

@Suite("Transactions sent in either way")
struct StreamHistoryTests {
    @Test("whatever is streamed, split or rolled back, exactly what committed comes out")
    func randomHistories() throws {
        let seed = SeededGenerator.printedSeed()
        var (transactions, streamed, pieces) = (0, 0, 0)

        for number in 0..<1500 {
            var history = StreamHistory(SeededGenerator(seed: seed &+ UInt64(number)))
            try history.run(steps: 40)

            #expect(
                history.feed.transactions == history.expected, "seed \(seed), history \(number)")
            guard history.feed.transactions == history.expected else { return }
            #expect(history.feed.mostInProgress <= history.piecesAtOnce)
            transactions += history.expected.count
            streamed += history.streamedCommits
            pieces += history.feed.pieces
        }

        #expect(transactions > 10_000 && streamed > 3000 && pieces > 2000, "seed \(seed)")
    }
}
