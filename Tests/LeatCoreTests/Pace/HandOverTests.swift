import Testing

@testable import LeatCore

@Suite("Handing over")
struct HandOverTests {
    private let start = ContinuousClock.now

    /// The decision so many milliseconds after the first commit.
    private func decide(
        bytes: Int = 500, isFull: Bool = false, commits: Int = 1, age: Int = 0, underWay: Int = 0,
        isBehind: Bool = false, isCrowded: Bool = false
    ) -> HandOver.Decision {
        HandOver.decide(
            .init(
                bytes: bytes, isFull: isFull, commits: commits, since: start, underWay: underWay,
                isBehind: isBehind, isCrowded: isCrowded),
            at: start + .milliseconds(age))
    }

    private var due: HandOver.Decision { .keep(until: start + HandOver.age) }

    @Test("a transaction that meets an idle applier goes at once")
    func idle() {
        #expect(decide() == .handOver)
    }

    @Test("one that meets a busy applier waits 20 ms, or until there is a MiB")
    func busy() {
        #expect(decide(underWay: 1) == due)
        #expect(decide(age: 19, underWay: 1) == due)
        #expect(decide(age: 20, underWay: 1) == .handOver)
        #expect(decide(bytes: HandOver.worthwhileBytes, underWay: 1) == .handOver)
    }

    @Test("far behind the same holds for an idle one: nobody waits for a row")
    func behind() {
        #expect(decide(isBehind: true) == due)
        #expect(decide(age: 20, isBehind: true) == .handOver)
        #expect(decide(bytes: HandOver.worthwhileBytes, isBehind: true) == .handOver)
    }

    @Test("where very many come, two dozen go together, or what came in 20 ms")
    func crowded() {
        #expect(decide(isCrowded: true) == due)
        #expect(decide(commits: HandOver.crowd - 1, age: 19, isCrowded: true) == due)
        #expect(decide(age: 20, isCrowded: true) == .handOver)
        #expect(decide(commits: HandOver.crowd, isCrowded: true) == .handOver)
        #expect(decide(commits: HandOver.crowd, underWay: 1, isCrowded: true) == due)
    }

    @Test("behind two batches it grows whatever its age, until it is full")
    func full() {
        #expect(decide(age: 60_000, underWay: 2) == .keep(until: nil))
        #expect(decide(bytes: BatchLimit.largestBytes, underWay: 2) == .keep(until: nil))
        #expect(decide(isFull: true, underWay: 2) == .handOver)
    }

    @Test("a piece of a transaction goes by size alone")
    func piece() {
        #expect(decide(commits: 0, age: 60_000) == .keep(until: nil))
        #expect(decide(bytes: HandOver.worthwhileBytes, commits: 0) == .handOver)
        #expect(
            decide(bytes: HandOver.worthwhileBytes, commits: 0, underWay: 2)
                == .keep(until: nil))
    }
}
