import LeatCore
import PGWire
import Testing

@Suite("Moments of a replay")
struct ReplayMomentTests {
    @Test(
        "a time is read in every form it may have",
        arguments: [
            ("2026-11-25 14:00", "2026-11-25T14:00:00.000000Z"),
            ("2026-11-25T14:00:01Z", "2026-11-25T14:00:01.000000Z"),
            ("2026-11-25 14:00:01.5+02", "2026-11-25T12:00:01.500000Z"),
            ("2026-03-01 00:30-03:30", "2026-03-01T04:00:00.000000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000000Z"),
            ("1999-12-31 23:59:59.999999", "1999-12-31T23:59:59.999999Z"),
        ])
    func reads(_ text: String, _ time: String) {
        #expect(ReplayMoment(text)?.description == time)
    }

    @Test("an LSN is an LSN")
    func readsLSN() {
        #expect(ReplayMoment("16/B374D848") == .lsn(LSN("16/B374D848")!))
    }

    @Test(
        "anything else is none",
        arguments: ["", "yesterday", "2026-02-29", "2026-13-01", "2026-11-25 24:00", "14:00", "1/"])
    func refuses(_ text: String) {
        #expect(ReplayMoment(text) == nil)
    }

    @Test("days are counted through leap years and centuries")
    func counts() {
        // 2000-01-01 is day 10957 of the Unix epoch.
        for day in stride(from: -200_000, through: 200_000, by: 97) {
            let time = PostgresTimestamp(rawValue: Int64(day) * 86_400_000_000 + 1)
            guard (-30_000...30_000).contains(day) else { continue }
            #expect(ReplayMoment(time.rfc3339) == .time(time))
        }
    }
}
