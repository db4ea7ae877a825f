@testable import LeatCore
import Testing

@Suite("The pace of an idle stream's stores")
struct StorePaceTests {
    /// How many of the wishes of a time are granted, one each 5 ms.
    private func stores(
        _ pace: inout StorePace, from begin: ContinuousClock.Instant, for time: Duration
    ) -> Int {
        var (now, count) = (begin, 0)
        while now < begin + time {
            if pace.allows(at: now) {
                pace.stored(at: now)
                count += 1
            }
            now += .milliseconds(5)
        }
        return count
    }

    @Test("few are done at once, many twice a second, and after some quiet at once again")
    func bounded() {
        let begin = ContinuousClock.now
        var pace = StorePace(at: begin)

        #expect(stores(&pace, from: begin, for: .milliseconds(100)) == 20)
        #expect(stores(&pace, from: begin + .milliseconds(100), for: .seconds(10)) <= 51)
        #expect(stores(&pace, from: begin + .seconds(11), for: .seconds(100)) <= 202)
        #expect(stores(&pace, from: begin + .seconds(116), for: .milliseconds(50)) == 10)
    }
}
