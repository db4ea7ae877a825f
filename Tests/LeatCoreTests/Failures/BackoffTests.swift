import LeatCore
import Testing

@Suite("Backoff")
struct BackoffTests {
    private let begin = ContinuousClock.now

    @Test("the first try goes at once, and the waits double up to half a second")
    func doubles() {
        var backoff = Backoff()

        let waits = (0..<6).map { _ in backoff.next(random: 1, at: begin) }

        #expect(waits == [0, 100, 200, 400, 500, 500].map { .milliseconds($0) })
        #expect(backoff.attempts == 6)
    }

    @Test("only of a server that stays away they grow further, up to the cap")
    func grows() {
        var backoff = Backoff()
        for _ in 0..<10 { _ = backoff.next(random: 1, at: begin) }

        let waits = [9, 60, 120, 3600].map { backoff.next(random: 1, at: begin + .seconds($0)) }

        #expect(waits == [0.5, 3, 6, 15].map { .seconds($0) })
    }

    @Test("jitter takes between half of a wait and the whole", arguments: [0.0, 0.25, 0.999])
    func jitters(_ random: Double) {
        var backoff = Backoff(first: .seconds(8), short: .seconds(8))
        _ = backoff.next(random: random, at: begin)

        let wait = backoff.next(random: random, at: begin)

        #expect(wait >= .seconds(4) && wait < .seconds(8))
        #expect(wait == .seconds(8) * (0.5 + random / 2))
    }

    @Test("a success begins anew")
    func resets() {
        var backoff = Backoff()
        for _ in 0..<5 { _ = backoff.next(random: 1, at: begin) }

        backoff.reset()

        #expect(backoff.attempts == 0)
        #expect(backoff.next(random: 1, at: begin + .seconds(900)) == .zero)
        #expect(backoff.next(random: 1, at: begin + .seconds(900)) == .milliseconds(100))
    }
}
