import LeatCore
import Testing

@Suite("Backoff")
struct BackoffTests {
    @Test("the waits double up to the cap")
    func doubles() {
        var backoff = Backoff(first: .milliseconds(100), cap: .seconds(1))

        let waits = (0..<6).map { _ in backoff.next(random: 1) }

        #expect(waits == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
        #expect(backoff.attempts == 6)
    }

    @Test("jitter takes between half of a wait and the whole", arguments: [0.0, 0.25, 0.999])
    func jitters(_ random: Double) {
        var backoff = Backoff(first: .seconds(8), cap: .seconds(8))

        let wait = backoff.next(random: random)

        #expect(wait >= .seconds(4) && wait < .seconds(8))
        #expect(wait == .seconds(8) * (0.5 + random / 2))
    }

    @Test("the cap holds after any number of failures")
    func capped() {
        var backoff = Backoff()

        let longest = (0..<5000).map { _ in backoff.next(random: 1) }.max()

        #expect(longest == .seconds(15))
    }

    @Test("a success begins anew")
    func resets() {
        var backoff = Backoff(first: .seconds(1))
        for _ in 0..<5 { _ = backoff.next(random: 1) }

        backoff.reset()

        #expect(backoff.attempts == 0 && backoff.next(random: 1) == .seconds(1))
    }
}
