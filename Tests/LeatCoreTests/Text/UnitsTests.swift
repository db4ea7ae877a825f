import LeatCore
import Testing

@Suite("Numbers for people")
struct UnitsTests {
    @Test(
        "bytes",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
            (1_048_575, "1.0 MiB"), (1 << 20, "1.0 MiB"), (1 << 30, "1.0 GiB"),
            (3 << 39, "1.5 TiB"), (Int.max, "8192.0 PiB"), (-2048, "-2.0 KiB"),
        ])
    func bytes(_ number: Int, _ text: String) {
        #expect(Units.bytes(number) == text)
    }

    @Test(
        "durations",
        arguments: [
            (0, "0.0 s"), (0.44, "0.4 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"),
            (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (7260, "2 h 1 min"),
            (200_000, "2 d 7 h"), (-3, "0.0 s"), (.infinity, "?"), (.nan, "?"),
        ] as [(Double, String)])
    func durations(_ seconds: Double, _ text: String) {
        #expect(Units.duration(seconds: seconds) == text)
    }

    @Test(
        "shares",
        arguments: [
            (0, "0 %"), (0.0004, "<0.1 %"), (0.001, "0.1 %"), (0.0994, "9.9 %"), (0.0996, "10 %"),
            (0.625, "63 %"), (1, "100 %"), (1.3, "130 %"), (.infinity, "?"),
        ] as [(Double, String)])
    func percent(_ share: Double, _ text: String) {
        #expect(Units.percent(share) == text)
    }
}
