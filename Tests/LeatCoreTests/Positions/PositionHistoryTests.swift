import LeatTestSupport
import Testing

@Suite("Positions in random order")
struct PositionHistoryTests {
    @Test("confirmed is stored durably, heard of, never past a missing commit, never going back")
    func randomHistories() {
        let seed = SeededGenerator.printedSeed()

        for number in 0..<3000 {
            var history = PositionHistory(SeededGenerator(seed: seed &+ UInt64(number)))
            history.run(steps: 120)

            #expect(history.violations == [], "seed \(seed), history \(number)")
            guard history.violations.isEmpty else { return }
        }
    }
}
