import LeatCore
import LeatTestSupport
import Testing

@Suite("Steps through a transaction with conflicts")
struct ConflictStepsTests {
    /// Runs the steps as an applier would.
    ///
    /// - Parameter fails: Whether a change meets a conflict when it is sent.
    private func run(
        _ changes: Range<Int>, fails: (Int) -> Bool
    ) -> (done: [Int], resolved: [Int], sent: Int) {
        var steps = ConflictSteps(changes)
        var (done, resolved): ([Int], [Int]) = ([], [])
        var sent = 0
        while let step = steps.next {
            sent += step.count
            guard let culprit = step.first(where: fails) else {
                done += step
                steps.stepEnded()
                continue
            }
            guard steps.changeFailed(culprit) else { continue }
            resolved.append(culprit)
            done.append(culprit)
            steps.stepEnded()
        }
        return (done, resolved, sent)
    }

    @Test("without a conflict they are few")
    func plain() {
        let result = run(7..<2007) { _ in false }

        #expect(result.done == Array(7..<2007))
        #expect(result.sent == 2000)
    }

    @Test("every change ends once, in order, and every conflict is resolved")
    func anyConflicts() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<200 {
            let first = Int.random(in: 0..<50, using: &random)
            let changes = first..<(first + Int.random(in: 0..<1200, using: &random))
            let rate = [2, 50, 500, 1000].randomElement(using: &random) ?? 1
            let conflicts = Set(
                changes.filter { _ in Int.random(in: 0..<1000, using: &random) < rate })

            let result = run(changes) { conflicts.contains($0) }

            #expect(result.done == Array(changes))
            #expect(result.resolved == conflicts.sorted())
        }
    }

    @Test("a transaction of conflicts alone is not sent again and again")
    func allConflicts() {
        #expect(run(0..<10_000) { _ in true }.sent < 21_000)
    }

    @Test("a change that fails the first time only does not hold the others up")
    func passingConflict() {
        var isFirst = true

        let result = run(0..<100) { index in
            defer { if index == 40 { isFirst = false } }
            return index == 40 && isFirst
        }

        #expect(result.done == Array(0..<100))
        #expect(result.resolved.isEmpty)
    }
}
