import LeatCore
import Testing

@Suite struct TransactionRateTests {
    private func rate(after phases: (perSecond: Int, milliseconds: Int)...) -> TransactionRate {
        var rate = TransactionRate()
        var now = ContinuousClock.now
        for phase in phases {
            for _ in 0..<phase.milliseconds / 10 {
                now += .milliseconds(10)
                rate.ended(phase.perSecond / 100, at: now)
            }
        }
        return rate
    }

    @Test("a few hundred a second are not many")
    func low() {
        #expect(!rate(after: (500, 1000)).isHigh)
        #expect(!rate(after: (1400, 1000)).isHigh)
    }

    @Test("thousands are, soon after they begin, until they end")
    func high() {
        #expect(!rate(after: (3000, 40)).isHigh)
        #expect(rate(after: (500, 500), (3000, 120)).isHigh)
        #expect(rate(after: (3000, 500), (1200, 500)).isHigh)
        #expect(!rate(after: (3000, 500), (800, 120)).isHigh)
    }

    @Test("a single crowd is not a rate")
    func crowd() {
        #expect(!rate(after: (500, 500), (4000, 10), (500, 90)).isHigh)
    }

    @Test("after silence it begins anew")
    func silence() {
        var rate = rate(after: (3000, 500))

        rate.fellSilent()

        #expect(!rate.isHigh)
    }
}
