import ArgumentParser

/// A duration as PostgreSQL writes one in its settings: `500ms`, `30s`, `5min`, `1h`, `2d`;
/// a bare number is seconds.
struct DurationText: ExpressibleByArgument {
    let duration: Duration

    private static let units: [(suffix: String, milliseconds: Int)] = [
        ("ms", 1), ("min", 60_000), ("s", 1000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    init(_ duration: Duration) {
        self.duration = duration
    }

    var defaultValueDescription: String { "\(Int(duration / .seconds(1)))s" }

    init?(argument: String) {
        let unit = DurationText.units.first { argument.hasSuffix($0.suffix) }
        let digits = unit.map { String(argument.dropLast($0.suffix.count)) } ?? argument
        guard let number = Int(digits.trimmingPrefix { $0 == " " }),
            (0...1_000_000_000).contains(number)
        else { return nil }
        duration = .milliseconds(number * (unit?.milliseconds ?? 1000))
    }
}
