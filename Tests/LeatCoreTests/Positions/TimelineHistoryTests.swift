import LeatCore
import PGWire
import Testing

@Suite("Timeline history")
struct TimelineHistoryTests {
    @Test("a history file tells where each older timeline ended")
    func parses() {
        let history = TimelineHistory(
            """
            1\t0/5000000\tno recovery target specified

            # a comment
            2\t16/B374D848\tbefore 2026-01-01 00:00:00+00

            """)

        #expect(history.end(of: 1) == 0x500_0000)
        #expect(history.end(of: 2) == 0x16_B374_D848)
        #expect(history.end(of: 3) == nil)
    }

    @Test(
        "lines that are none of a history are left out",
        arguments: ["", "1", "one\t0/1", "1\t0-1", "-1 0/1", "4294967296 0/1"])
    func ignores(_ content: String) {
        let history = TimelineHistory(content)

        #expect((0...3).allSatisfy { history.end(of: $0) == nil })
    }
}
