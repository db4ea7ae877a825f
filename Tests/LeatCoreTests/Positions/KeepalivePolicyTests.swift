import LeatCore
import PGWire
import Testing

@Suite("Keepalive policy")
struct KeepalivePolicyTests {
    private let start = ContinuousClock.now

    /// How many of these requests asked for the stream to be closed.
    private func closings(
        requests: Int, every interval: Duration, hasUnconfirmed: Bool = true,
        walEnd: (Int) -> LSN = { _ in 100 }
    ) -> Int {
        var policy = KeepalivePolicy()
        return (0..<requests).count { number in
            policy.replyRequested(
                walEnd: walEnd(number), hasUnconfirmed: hasUnconfirmed,
                at: start + interval * number)
        }
    }

    @Test("the twentieth request in ten seconds closes the stream, not the nineteenth")
    func urgency() {
        #expect(closings(requests: 19, every: .milliseconds(100)) == 0)
        #expect(closings(requests: 20, every: .milliseconds(100)) == 1)
        #expect(closings(requests: 20, every: .milliseconds(500)) == 1)
    }

    @Test("requests at the pace of normal service never close it")
    func normalService() {
        #expect(closings(requests: 500, every: .milliseconds(600)) == 0)
        #expect(closings(requests: 500, every: .seconds(30)) == 0)
    }

    @Test("with everything confirmed the server may ask as often as it likes")
    func nothingUnconfirmed() {
        #expect(closings(requests: 500, every: .milliseconds(1), hasUnconfirmed: false) == 0)
    }

    @Test("new WAL between the requests means that the server is at work")
    func newWAL() {
        let moving = closings(requests: 500, every: .milliseconds(100)) { number in
            LSN(rawValue: UInt64(number / 19))
        }

        #expect(moving == 0)
    }
}
