import LeatConfig
import Testing

@Suite("Sizes and durations as PostgreSQL writes them")
struct UnitTextTests {
    @Test(
        arguments: [
            ("512kB", 524_288), ("64MB", 67_108_864), ("1.5GB", 1_610_612_736), ("2 TB", 1 << 41),
            ("17", 17), ("3B", 3), ("1000000000TB", 1 << 60),
        ] as [(String, Int)])
    func sizes(_ text: String, _ bytes: Int) {
        #expect(UnitText.bytes(text) == bytes)
    }

    @Test(arguments: [
        "", "0", "-1MB", "GB", "1 .5GB", "1e3MB", "10gb", "1  MB", "0B", "¹MB", ".5GB",
    ])
    func noSizes(_ text: String) {
        #expect(UnitText.bytes(text) == nil)
    }

    @Test(
        arguments: [
            ("500ms", .milliseconds(500)), ("30s", .seconds(30)), ("5min", .seconds(300)),
            ("1h", .seconds(3600)), ("2d", .seconds(172_800)), ("7", .seconds(7)),
            ("0", .zero), ("0.5s", .milliseconds(500)), ("10 s", .seconds(10)),
        ] as [(String, Duration)])
    func durations(_ text: String, _ duration: Duration) {
        #expect(UnitText.duration(text) == duration)
    }

    @Test(arguments: ["", "s", "-1s", "1m", "1.5", "1e3s", "99999999999", "2 d ", "min"])
    func noDurations(_ text: String) {
        #expect(UnitText.duration(text) == nil)
    }
}
