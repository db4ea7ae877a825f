import PGWire
import Testing

@Suite struct LSNTests {
    @Test(
        "parses what PostgreSQL prints, and prints it again",
        arguments: [
            ("0/0", 0), ("0/1", 1), ("0/16B3748", 0x16B_3748),
            ("16/B374D848", 0x16_B374_D848), ("1/0", 0x1_0000_0000),
            ("FFFFFFFF/FFFFFFFF", UInt64.max),
        ])
    func roundTrip(text: String, value: UInt64) {
        #expect(LSN(text) == LSN(rawValue: value))
        #expect(LSN(rawValue: value).description == text)
    }

    @Test(
        "takes lower case and padding",
        arguments: [("16/b374d848", "16/B374D848"), ("00000000/0000000a", "0/A")])
    func otherSpellings(text: String, printed: String) {
        #expect(LSN(text)?.description == printed)
    }

    @Test(
        "refuses everything else",
        arguments: [
            "", "/", "0", "0/", "/0", "0//0", "0/0/0", " 0/0", "0/0 ", "0/0\n", "0/0\0", "+1/0",
            "-1/0", "0/-1", "0x1/0", "0/0x1", "000000000/0", "0/000000000", "G/0", "0/G", "0\\0",
            "0/1_0", "٣/0", "0/１", "16/B374D848é", "invalid", "0.0",
        ])
    func hostile(text: String) {
        #expect(LSN(text) == nil)
    }

    @Test("orders by position")
    func order() throws {
        let lower = try #require(LSN("0/FFFFFFFF"))
        let upper = try #require(LSN("1/0"))

        #expect(lower < upper)
        #expect(LSN.zero.isZero)
        #expect(!lower.isZero)
    }
}

@Suite struct PostgresTimestampTests {
    @Test(
        "counts from 2000 or from 1970",
        arguments: [
            (0, 946_684_800_000_000), (-946_684_800_000_000, 0), (1, 946_684_800_000_001),
        ])
    func epochs(postgres: Int64, unix: Int64) {
        #expect(PostgresTimestamp(rawValue: postgres).unixMicroseconds == unix)
        #expect(PostgresTimestamp(unixMicroseconds: unix).rawValue == postgres)
    }

    @Test("does not trap at the ends of the range")
    func extremes() {
        #expect(PostgresTimestamp(rawValue: .max).unixMicroseconds == .max)
        #expect(PostgresTimestamp(unixMicroseconds: .min).rawValue == .min)
    }
}
