import LeatAdmin
import LeatCore
import PGWire
import Testing

@Suite("Bounds of a lag")
struct LagThresholdTests {
    @Test(
        "are sizes and times in PostgreSQL's units",
        arguments: [
            ("0B", .bytes(0)), ("10kB", .bytes(10_240)), ("512MB", .bytes(512 << 20)),
            ("1.5GB", .bytes(3 << 29)), ("2 TB", .bytes(2 << 40)), ("250ms", .seconds(0.25)),
            ("60s", .seconds(60)), ("5min", .seconds(300)), ("2h", .seconds(7200)),
            ("1d", .seconds(86_400)),
        ] as [(String, LagThreshold)])
    func parsed(_ text: String, _ expected: LagThreshold) {
        #expect(LagThreshold(text) == expected)
    }

    @Test(
        "are nothing else",
        arguments: [
            "", "5", "B", "MB", "s", "-1s", "+1s", "1m", "1mb", "1 000MB", "0x10MB", "nanMB",
            "infs",
            "1e99MB", "1e300s", "٣MB", "1  s", "1MB ",
        ])
    func refused(_ text: String) {
        #expect(LagThreshold(text) == nil)
    }

    @Test("the worst that is reached counts, of bytes or seconds")
    func state() {
        func state(_ bytes: Int, _ seconds: Double) -> LagState {
            LagState(
                bytes: bytes, seconds: seconds, warning: [.bytes(100), .seconds(10)],
                critical: [.bytes(1000), .seconds(60)])
        }

        #expect(state(99, 9.9) == .ok)
        #expect(state(100, 0) == .warning)
        #expect(state(0, 10) == .warning)
        #expect(state(1000, 0) == .critical)
        #expect(state(100, 60) == .critical)
        #expect(LagState(bytes: 9, seconds: nil, warning: [.seconds(0)], critical: []) == .ok)
        #expect(LagState(bytes: 9, seconds: 9, warning: [], critical: []) == .ok)
        #expect([LagState.ok, .warning, .critical, .unknown].map(\.rawValue) == [0, 1, 2, 3])
        #expect(LagState.unknown.name == "UNKNOWN")
    }
}

@Suite("The end of the WAL over time")
struct LagHistoryTests {
    @Test("a position is as old as the first end that was seen behind it")
    func age() {
        var history = LagHistory()
        history.saw(100, at: .seconds(10))
        history.saw(100, at: .seconds(20))
        history.saw(200, at: .seconds(30))

        #expect(history.age(of: 99, at: .seconds(40)) == .seconds(30))
        #expect(history.age(of: 100, at: .seconds(40)) == .seconds(10))
        #expect(history.age(of: 150, at: .seconds(40)) == .seconds(10))
        #expect(history.age(of: 200, at: .seconds(40)) == nil)
    }

    @Test("an end that goes back is another server's")
    func back() {
        var history = LagHistory()
        history.saw(500, at: .seconds(0))
        history.saw(100, at: .seconds(10))

        #expect(history.age(of: 50, at: .seconds(15)) == .seconds(5))
        #expect(history.age(of: 100, at: .seconds(15)) == nil)
    }

    @Test("of a long watch it stays small, and never makes a position older than it is")
    func long() {
        var history = LagHistory()
        for second in 0..<100_000 {
            history.saw(.init(rawValue: UInt64(second)), at: .seconds(second))
        }

        for position in [0, 5, 31_234, 99_000] as [UInt64] {
            let age = history.age(of: .init(rawValue: position), at: .seconds(100_000))
            #expect((age ?? .zero) <= .seconds(100_000 - Int(position) - 1))
            #expect((age ?? .zero) >= .seconds((100_000 - Int(position)) / 2))
        }
    }
}
