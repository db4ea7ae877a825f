import Testing

@testable import LeatCore

@Suite("Handing over")
struct HandOverTests {
    private let start = ContinuousClock.now

    /// The decision so many milliseconds after the first commit.
    private func decide(
        bytes: Int = 500, hasCommit: Bool = true, age: Int = 0, underWay: Int = 0,
        isBehind: Bool = false
    ) -> HandOver.Decision {
        HandOver.decide(
            .init(
                bytes: bytes, hasCommit: hasCommit, since: start, underWay: underWay,
                isBehind: isBehind),
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

    @Test("behind two batches it grows whatever its age, up to 4 MiB")
    func full() {
        #expect(decide(age: 60_000, underWay: 2) == .keep(until: nil))
        #expect(decide(bytes: HandOver.largestBytes - 1, underWay: 2) == .keep(until: nil))
        #expect(decide(bytes: HandOver.largestBytes, underWay: 2) == .handOver)
    }

    @Test("a piece of a transaction goes by size alone")
    func piece() {
        #expect(decide(hasCommit: false, age: 60_000) == .keep(until: nil))
        #expect(decide(bytes: HandOver.worthwhileBytes, hasCommit: false) == .handOver)
        #expect(
            decide(bytes: HandOver.worthwhileBytes, hasCommit: false, underWay: 2)
                == .keep(until: nil))
    }
}
