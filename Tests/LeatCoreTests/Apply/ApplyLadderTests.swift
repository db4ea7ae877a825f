import LeatCore
import PGWire
import Testing

@Suite("Apply ladder")
struct ApplyLadderTests {
    private typealias Refusal = ApplyLadder.Refusal

    private static let table = TableName(schema: "public", name: "t")

    private func ladder(folds: Bool = true, resolves: Bool = false) -> ApplyLadder {
        ApplyLadder(
            .init(folds: folds, resolves: resolves, choice: SetChoice(roundTrip: .zero)))
    }

    private func run(
        _ transactions: Range<Int> = 3..<6, changes: Int = 100, goesOn: Bool = false
    ) -> ApplyLadder.Run {
        .init(transactions: transactions, changes: changes, commits: true, goesOn: goesOn)
    }

    /// What a ladder asks for, and says to what it hears, a word each.
    private func play(
        _ ladder: inout ApplyLadder, _ answers: [ApplyLadder.Answer]
    ) -> [String] {
        answers.flatMap { answer in
            let attempt = ladder.next.map { "\($0.rung) \($0.transactions)" } ?? "nothing"
            return [attempt, "\(ladder.answered(answer))"]
        }
    }

    @Test("what a transaction is refused for is said by the source's order, after all before it")
    func workedExample() {
        var ladder = ladder(resolves: true)
        ladder.runBegan(run()) { false }
        let refused = ApplyLadder.Answer.refused(Refusal(.lasting, isResolvable: true))

        #expect(
            play(&ladder, [refused, refused, .applied, refused, .applied, .applied]) == [
                "folded 3..<6", "retreat(LeatCore.ApplyLadder.Undo.transaction)",
                "inOrder 3..<6", "retreat(LeatCore.ApplyLadder.Undo.transaction)",
                "inOrder 3..<4", "done",
                "inOrder 4..<5", "retreat(LeatCore.ApplyLadder.Undo.transaction)",
                "resolving 4..<5", "done",
                "inOrder 5..<6", "done",
            ])
        #expect(ladder.next == nil)
    }

    @Test("a few changes go at once, and after a refusal the next hundred batches do not")
    func atOnce() {
        var ladder = ladder()
        ladder.runBegan(run(0..<1, changes: 2)) { true }
        #expect(ladder.next?.rung == .atOnce)
        #expect(ladder.answered(.refused(Refusal(.lasting))) == .retreat(.transaction))
        #expect(ladder.next?.rung == .inOrder)
        #expect(ladder.answered(.applied) == .done)

        for batch in 1...100 {
            ladder.batchBegan()
            ladder.runBegan(run(0..<1, changes: 2)) { true }
            #expect((ladder.next?.rung == .atOnce) == (batch == 100))
        }
    }

    @Test("tables to blame stay in the source's order for a hundred batches, others do not")
    func heldBack() {
        var ladder = ladder()
        ladder.runBegan(run()) { false }
        _ = ladder.answered(.refused(Refusal(.lasting, blamed: [ApplyLadderTests.table])))

        for batch in 1...100 {
            ladder.batchBegan()
            #expect(ladder.isHeldBack(ApplyLadderTests.table) == (batch < 100))
            #expect(!ladder.isHeldBack(TableName(schema: "public", name: "u")))
        }
    }

    @Test("pieces that do not come again are undone to their savepoint, or it halts")
    func pieces() {
        let refused = Refusal(.lasting, isResolvable: true)
        var early = ladder(resolves: true)
        early.runBegan(run(0..<1, goesOn: true)) { true }
        #expect(early.next?.rung == .folded)
        #expect(early.answered(.refused(refused)) == .retreat(.savepoint))
        #expect(early.answered(.refused(refused)) == .retreat(.savepoint))
        #expect(early.next?.rung == .resolving)

        var late = ladder(resolves: true)
        late.runBegan(run(0..<1, goesOn: true)) { true }
        #expect(late.answered(.refused(Refusal(.lasting, isAtCommit: true))) == .halt)
        #expect(late.next == nil)
    }

    @Test("what may pass by itself begins the run again; what is too large is made smaller first")
    func transient() {
        var ladder = ladder()
        ladder.runBegan(run()) { false }
        #expect(ladder.answered(.refused(Refusal(.transient))) == .restart)

        ladder.runBegan(run()) { false }
        #expect(ladder.answered(.refused(Refusal(.size))) == .retreat(.transaction))
        #expect(ladder.answered(.refused(Refusal(.size))) == .retreat(.transaction))
        #expect(ladder.next?.transactions == 3..<4)
        #expect(ladder.answered(.refused(Refusal(.size))) == .restart)
        #expect(ladder.next == nil)
    }

    @Test("nothing is tried again where the commit may have happened, or the position was moved")
    func unknown() {
        for (answer, verdict) in [
            (ApplyLadder.Answer.lost, ApplyLadder.Verdict.reopen),
            (.newDefinition, .learn),
            (.positionElsewhere(stored: 5, own: 5), .restart),
            (.positionElsewhere(stored: 6, own: 5), .halt),
            (.positionElsewhere(stored: nil, own: 5), .halt),
        ] {
            var ladder = ladder()
            ladder.runBegan(run()) { false }
            #expect(ladder.answered(answer) == verdict)
            #expect(ladder.next == nil)
        }
    }

    @Test("whatever is answered: it ends, in order, each once or halted, never up again")
    func random() throws {
        var halts = 0
        for seed in 0..<20_000 as Range<UInt64> {
            var history = LadderHistory(seed: seed)
            do { try history.play() } catch {
                Issue.record("seed \(seed): \(error)")
                return
            }
            if history.halts { halts += 1 }
        }
        #expect(halts > 1000)
    }
}
