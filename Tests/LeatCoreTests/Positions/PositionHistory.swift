import LeatCore
import LeatTestSupport
import PGWire

/// A source, a target and a ``PositionState`` between them, driven at random.
///
/// The servers here are the truth: the slot believes what it is told and never sends again what
/// ends at or before it; a crash of the target loses what was not made durable. Each promise
/// that is broken is noted in words.
struct PositionHistory {
    private struct Commit {
        var end: UInt64
        var isEmpty: Bool
    }

    private var random: SeededGenerator
    private let holdBack: Duration
    private(set) var violations: [String] = []
    private var now = ContinuousClock.now

    // The source.
    private var log: [Commit] = []
    private var slot: UInt64 = 100
    // The target: the ends it holds, and how far a crash cannot reach.
    private var position: UInt64 = 100
    private var durable: UInt64 = 100
    private var applied: [UInt64] = []
    private var durableSince: [(time: ContinuousClock.Instant, end: UInt64)] = []
    // The connection.
    private var state: PositionState
    private var sent = 0
    private var isOpen = false
    private var heard: UInt64 = 0
    private var inFlight: [UInt64] = []
    /// Committed on the target, not told yet.
    private var unreported: [(end: UInt64, isDurable: Bool)] = []
    /// Taken from `dueAtTick`, not stored yet: the stream goes on meanwhile.
    private var due: UInt64?

    init(_ random: SeededGenerator) {
        self.random = random
        holdBack = self.random.once(in: 3) ? .seconds(5) : .zero
        state = PositionState(startingAt: 100, confirmed: 100, holdBack: holdBack)
    }

    private var walEnd: UInt64 { log.last?.end ?? 100 }

    mutating func run(steps: Int) {
        for _ in 0..<steps where violations.isEmpty { step() }
        finish()
    }

    private mutating func step() {
        now += .milliseconds(Int.random(in: 0...2000, using: &random))
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<3: write()
        case 3..<8: send()
        case 8..<10: keepalive()
        case 10..<14: apply()
        case 14..<16: takeDue()
        case 16: random.next() & 1 == 0 ? storeDue() : report()
        case 17: status(arrives: !random.once(in: 3))
        case 18: if random.once(in: 4) { crashTarget() }
        default: if random.once(in: 4) { reconnect() }
        }
    }

    // MARK: The source

    private mutating func write() {
        let end = walEnd + .random(in: 8...40, using: &random)
        log.append(Commit(end: end, isEmpty: random.once(in: 3)))
    }

    private mutating func send() {
        guard sent < log.count else { return }
        guard isOpen else {
            isOpen = true
            state.transactionBegan()
            return
        }
        let commit = log[sent]
        sent += 1
        isOpen = false
        heard = max(heard, commit.end)
        if commit.isEmpty {
            state.emptyCommitReceived(end: LSN(rawValue: commit.end))
        } else {
            inFlight.append(commit.end)
            state.commitReceived(end: LSN(rawValue: commit.end))
        }
    }

    /// What the server has read: all that it sent, and inside a transaction that one's commit.
    private mutating func keepalive() {
        let readEnd =
            sent < log.count ? (isOpen ? log[sent].end : log[sent].end - 8) : walEnd + 4
        let from = sent > 0 ? log[sent - 1].end : 100
        let end = UInt64.random(in: from...max(from, readEnd), using: &random)
        heard = max(heard, end)
        state.keepaliveReceived(walEnd: LSN(rawValue: end))
    }

    // MARK: The target

    private mutating func apply() {
        guard !inFlight.isEmpty else { return }
        let count = Int.random(in: 1...inFlight.count, using: &random)
        applied += inFlight.prefix(count)
        let end = inFlight[count - 1]
        inFlight.removeFirst(count)
        commit(end, isDurable: random.once(in: 3))
    }

    private mutating func commit(_ end: UInt64, isDurable: Bool) {
        violations += broken(
            unless: end >= position, "the position went back from \(position) to \(end)")
        position = end
        if isDurable {
            durable = end
            durableSince.append((now, end))
        }
        unreported.append((end, isDurable))
        if !random.once(in: 3) { report() }
    }

    /// Batches and ticks report from tasks of their own, so not always in order.
    private mutating func report() {
        for commit in unreported.shuffled(using: &random) {
            state.committed(
                through: LSN(rawValue: commit.end), isDurable: commit.isDurable, at: now)
        }
        unreported = []
    }

    private mutating func takeDue() {
        guard due == nil else { return }
        due = (random.next() & 1 == 0 ? state.dueAtTick : state.dueAtDrain)?.rawValue
    }

    private mutating func storeDue() {
        guard let due else { return }
        let end = max(due, position)
        self.due = nil
        violations += broken(
            unless: end <= max(heard, position), "\(end) is stored, above what was heard, \(heard)")
        checkNothingIsMissing(through: end, "stored")
        commit(end, isDurable: true)
    }

    // MARK: Between them

    private mutating func status(arrives: Bool) {
        let status = state.status(at: now)
        let flushed = status.flushed.rawValue
        violations += broken(
            unless: flushed <= durable, "\(flushed) is confirmed, durable is \(durable)")
        violations += broken(
            unless: flushed >= slot, "confirmed went back from \(slot) to \(flushed)")
        violations += broken(
            unless: flushed <= max(heard, slot),
            "\(flushed) is confirmed, the server named \(heard)")
        violations += broken(
            unless: status.written >= status.flushed && status.applied == status.flushed,
            "\(status)")
        checkNothingIsMissing(through: flushed, "confirmed")
        let oldEnough = durableSince.last { $0.time + holdBack <= now }?.end ?? 0
        violations += broken(
            unless: flushed <= max(oldEnough, slot),
            "\(flushed) is held back, only \(oldEnough) is old")
        if arrives { slot = flushed }
    }

    private mutating func crashTarget() {
        position = durable
        applied.removeAll { $0 > durable }
        reconnect()
    }

    private mutating func reconnect() {
        violations += broken(
            unless: slot <= position,
            "the slot, \(slot), is beyond the stored position, \(position)")
        state = PositionState(
            startingAt: LSN(rawValue: position), confirmed: LSN(rawValue: slot),
            holdBack: holdBack)
        sent = log.firstIndex { $0.end > position } ?? log.count
        (isOpen, heard, inFlight, unreported, due) = (false, 0, [], [], nil)
    }

    /// Drains everything: whatever happened before, nothing is lost and nothing is there twice.
    private mutating func finish() {
        reconnect()
        while sent < log.count { send() }
        while !inFlight.isEmpty { apply() }
        report()
        checkNothingIsMissing(through: walEnd, "drained")
        keepalive()
        due = state.dueAtTick?.rawValue
        storeDue()
        report()
        now += holdBack
        status(arrives: true)
        violations += broken(
            unless: slot >= walEnd || heard < walEnd, "idle at \(walEnd), confirmed only \(slot)")
    }

    private mutating func checkNothingIsMissing(through end: UInt64, _ what: String) {
        let expected = log.prefix { $0.end <= end }.filter { !$0.isEmpty }.map(\.end)
        let there = applied.filter { $0 <= end }
        violations += broken(
            unless: there == expected, "\(what) \(end) with \(there) applied of \(expected)")
    }

    private func broken(
        unless holds: Bool, _ violation: @autoclosure () -> String
    ) -> [String] {
        holds ? [] : [violation()]
    }
}
