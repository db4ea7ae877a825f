import PGWire
import Testing

@testable import LeatCore

@Suite("Read pace")
struct ReadPaceTests {
    private let row = 130
    private let nap: Duration = .milliseconds(8)

    private func time(_ milliseconds: Int64) -> PostgresTimestamp {
        PostgresTimestamp(rawValue: milliseconds * 1000)
    }

    /// One whose newest message left so many milliseconds after its transaction's commit.
    private func pace(behind milliseconds: Int64, napping: Bool = true) -> ReadPace {
        var pace = ReadPace(nap: napping ? nap : nil)
        pace.received(sendTime: time(5000 + milliseconds), commitTime: time(5000))
        return pace
    }

    @Test("a new stream, and one that is caught up, is read at once, however little there is")
    func caughtUp() {
        var new = ReadPace(nap: nap)
        var near = pace(behind: 100)

        #expect(new.readable(bytes: row) == .read)
        #expect(near.readable(bytes: row) == .read)
        #expect(!near.isBehind)
    }

    @Test("behind, a nap comes before a read of little, none before one of plenty")
    func behind() {
        var pace = pace(behind: 101)

        #expect(pace.isBehind)
        #expect(pace.readable(bytes: row) == .nap(nap))
        #expect(pace.readable(bytes: ReadPace.plenty - 1) == .nap(nap))
        #expect(pace.readable(bytes: ReadPace.plenty) == .read)
    }

    @Test("never over a Unix socket or TLS")
    func notThere() {
        var pace = pace(behind: 100_000, napping: false)

        #expect(pace.isBehind)
        #expect(pace.readable(bytes: row) == .read)
    }

    @Test("a transaction in progress, which comes streamed, is one that nobody waits for")
    func streamed() {
        var pace = pace(behind: 0)

        pace.received(sendTime: time(5000), commitTime: nil)

        #expect(pace.isBehind)
        #expect(pace.readable(bytes: row) == .nap(nap))
    }

    @Test("catching up ends the naps, and so does silence")
    func ends() {
        var near = pace(behind: 500)
        near.received(sendTime: time(5550), commitTime: time(5500))
        var silent = pace(behind: 500)
        silent.fellSilent()

        #expect(near.readable(bytes: row) == .read)
        #expect(silent.readable(bytes: row) == .read)
    }

    @Test("a nap that brought little is followed by some reading, one that paid by the next nap")
    func paying() {
        var pace = pace(behind: 500)

        pace.napped(bytes: ReadPace.worthwhile, isAll: true)
        #expect(pace.readable(bytes: row) == .nap(nap))
        pace.napped(bytes: ReadPace.worthwhile - 1, isAll: true)
        #expect(pace.readable(bytes: ReadPace.rest - 1) == .read)
        #expect(pace.readable(bytes: 1) == .nap(nap))
    }

    @Test("what a nap brought is read to its end before the next one")
    func readingOn() {
        var pace = pace(behind: 500)

        pace.napped(bytes: ReadPace.worthwhile, isAll: false)
        #expect(pace.readable(bytes: row) == .readOn)
        pace.readOn(isAll: false)
        #expect(pace.readable(bytes: row) == .readOn)
        pace.readOn(isAll: true)
        #expect(pace.readable(bytes: row) == .nap(nap))
    }

    @Test("at the pace of a live stream hardly a read naps, even if it seems to be behind")
    func falselyBehind() {
        var pace = pace(behind: 3_600_000)

        // 500 transactions a second: a second of them.
        let naps = (0..<500).count { _ in
            guard case .nap = pace.readable(bytes: 4 * row) else { return false }
            pace.napped(bytes: 5 * row, isAll: true)
            return true
        }

        #expect(naps > 0 && naps <= 5, "\(naps)")
    }

    @Test("no clock of a server traps", arguments: [Int64.min, -1, 0, .max], [Int64.min, 0, .max])
    func hostile(sendTime: Int64, commitTime: Int64) {
        var pace = ReadPace(nap: nap)

        pace.received(
            sendTime: PostgresTimestamp(rawValue: sendTime),
            commitTime: PostgresTimestamp(rawValue: commitTime))

        #expect(!pace.isBehind || sendTime > commitTime)
    }
}
