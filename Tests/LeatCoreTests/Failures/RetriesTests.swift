@testable import LeatCore
import Testing

@Suite("Tries")
struct RetriesTests {
    private let begin = ContinuousClock.now

    @Test("a server that refuses is asked for some minutes, and anything else begins them anew")
    func refusals() {
        var retries = Retries()
        var action: (Duration, Bool) -> Retries.Action {
            { time, isRefusal in
                retries.failed("x", isRefusal: isRefusal, random: 0, at: begin + time)
            }
        }

        #expect(action(.zero, true) != .giveUp)
        #expect(action(.seconds(299), true) != .giveUp)
        #expect(action(.seconds(301), false) != .giveUp)
        #expect(action(.seconds(302), true) != .giveUp)
        #expect(action(.seconds(603), true) == .giveUp)
    }

    @Test("what says the same is told a few times, and then every five seconds")
    func told() {
        var retries = Retries()
        let told = (0..<300).filter { step in
            let action = retries.failed(
                "away", isRefusal: false, random: 1, at: begin + .milliseconds(100 * step))
            guard case .tryAgain(_, let isTold) = action else { return false }
            return isTold
        }

        #expect(told == [0, 1, 2, 3, 4, 54, 104, 154, 204, 254])
        #expect(
            retries.failed("other", isRefusal: false, random: 1, at: begin + .seconds(30))
                == .tryAgain(after: .seconds(1.5), isTold: true))
    }

    @Test("after progress the next try goes at once")
    func progress() {
        var retries = Retries()
        for _ in 0..<5 { _ = retries.failed("x", isRefusal: false, random: 1, at: begin) }

        retries.progressed()

        #expect(
            retries.failed("x", isRefusal: false, random: 1, at: begin)
                == .tryAgain(after: .zero, isTold: true))
    }
}
