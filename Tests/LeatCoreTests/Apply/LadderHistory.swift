import LeatCore
import LeatTestSupport
import PGWire
import Testing

/// A batch of transactions brought to a target that answers at random, by what the ladder says.
struct LadderHistory {
    enum Nature {
        case fits
        /// Refused for as long as it is tried; a policy may speak of it.
        case refused(isResolvable: Bool)
    }

    private struct Broken: Error, CustomStringConvertible {
        var description: String
    }

    private var random: SeededGenerator
    private let natures: [Nature]
    private let resolves: Bool
    /// Pieces of the first transaction are in the open target transaction.
    private let goesOn: Bool
    private let changes: Int
    private var ladder: ApplyLadder
    /// The target: what is committed, in order, and where the position is.
    private var committed: [Int] = []
    private var hasPieces: Bool
    private var tries = 0
    /// Rungs that failed in this run, by transaction: the lowest, and of how many together.
    private var failed: [Int: (rung: ApplyLadder.Rung, together: Int)] = [:]
    private(set) var halts = false

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        goesOn = random.once(in: 4)
        natures = (0..<(goesOn ? 1 : 1 + Int.random(in: 0..<5, using: &random))).map { _ in
            random.once(in: 4) ? .refused(isResolvable: random.once(in: 2)) : .fits
        }
        resolves = random.once(in: 2)
        changes = random.once(in: 2) ? 3 : 5000
        hasPieces = goesOn
        ladder = ApplyLadder(
            .init(
                folds: random.once(in: 2), resolves: resolves,
                choice: SetChoice(roundTrip: .zero)))
        self.random = random
    }

    /// - Throws: What is broken.
    mutating func play() throws {
        for _ in 0..<1000 where !halts && committed.count < natures.count {
            try playRun(from: committed.count)
        }
        guard halts || committed.count == natures.count else { throw Broken(description: "no end") }
        guard committed == Array(0..<committed.count) else {
            throw Broken(description: "committed \(committed)")
        }
    }

    private mutating func playRun(from first: Int) throws {
        failed = [:]
        tries = 0
        // A connection that was lost has taken the pieces along: they come again.
        hasPieces = goesOn
        let mayGoAtOnce = random.once(in: 2)
        ladder.batchBegan()
        ladder.runBegan(
            .init(
                transactions: first..<natures.count, changes: changes, commits: true,
                goesOn: goesOn), mayGoAtOnce: { mayGoAtOnce })
        while let attempt = ladder.next {
            try check(attempt)
            let (answer, isCommitted) = answer(attempt)
            let verdict = ladder.answered(answer)
            if isCommitted { committed += attempt.transactions }
            try follow(verdict, of: attempt, after: answer)
        }
    }

    private mutating func check(_ attempt: ApplyLadder.Attempt) throws {
        tries += 1
        guard tries <= 3 + 2 * natures.count else { throw Broken(description: "tries for ever") }
        guard attempt.transactions.lowerBound == committed.count else {
            throw Broken(description: "\(attempt) after \(committed)")
        }
        guard !goesOn || hasPieces else { throw Broken(description: "\(attempt) without pieces") }
        guard !goesOn || attempt.rung != .atOnce else {
            throw Broken(description: "commits pieces without a look")
        }
        for index in attempt.transactions {
            guard let before = failed[index] else { continue }
            let isLower = attempt.rung > before.rung
            let isSmaller = attempt.transactions.count < before.together
            guard isLower || attempt.rung == before.rung && isSmaller else {
                throw Broken(description: "\(attempt) after \(before)")
            }
        }
    }

    // MARK: The target

    private mutating func answer(
        _ attempt: ApplyLadder.Attempt
    ) -> (ApplyLadder.Answer, isCommitted: Bool) {
        let isCommitted = random.once(in: 2)
        if random.once(in: 12) { return (.lost, isCommitted && takes(attempt)) }
        if random.once(in: 16) {
            let isSmall = attempt.transactions.count == 1
            return (.refused(.init(isSmall ? .transient : .size)), false)
        }
        if random.once(in: 30) { return (.positionElsewhere(stored: 7, own: 7), false) }
        if attempt.rung < .inOrder, random.once(in: 3) {
            return (.refused(.init(.lasting)), false)
        }
        guard takes(attempt) else {
            return (.refused(.init(.lasting, isResolvable: isResolvable(attempt))), false)
        }
        return (.applied, true)
    }

    private func takes(_ attempt: ApplyLadder.Attempt) -> Bool {
        attempt.transactions.allSatisfy { index in
            switch natures[index] {
            case .fits: true
            case .refused(let isResolvable):
                isResolvable && resolves && attempt.rung == .resolving
            }
        }
    }

    private func isResolvable(_ attempt: ApplyLadder.Attempt) -> Bool {
        guard resolves else { return false }
        return attempt.transactions.contains { index in
            if case .refused(isResolvable: true) = natures[index] { true } else { false }
        }
    }

    // MARK: Verdicts

    private mutating func follow(
        _ verdict: ApplyLadder.Verdict, of attempt: ApplyLadder.Attempt,
        after answer: ApplyLadder.Answer
    ) throws {
        if case .lost = answer, verdict != .reopen || ladder.next != nil {
            throw Broken(description: "goes on though nobody knows: \(verdict)")
        }
        switch verdict {
        case .done:
            guard case .applied = answer else { throw Broken(description: "not done") }
        case .retreat(let undo):
            if undo == .transaction { hasPieces = false }
            for index in attempt.transactions {
                failed[index] = (attempt.rung, attempt.transactions.count)
            }
        case .restart, .reopen, .learn:
            guard ladder.next == nil else { throw Broken(description: "goes on in this run") }
        case .halt:
            halts = true
            let first = attempt.transactions.lowerBound
            guard case .refused(let isResolvable) = natures[first], attempt.transactions.count == 1,
                !(isResolvable && resolves)
            else { throw Broken(description: "halts over \(attempt)") }
        }
    }
}
