import ArgumentParser
import LeatConfig

/// A duration as PostgreSQL writes one in its settings: `500ms`, `30s`, `5min`, `1h`, `2d`;
/// a bare number is seconds.
struct DurationText: ExpressibleByArgument {
    let duration: Duration

    init(_ duration: Duration) {
        self.duration = duration
    }

    var defaultValueDescription: String { "\(Int(duration / .seconds(1)))s" }

    init?(argument: String) {
        guard let duration = UnitText.duration(argument) else { return nil }
        self.duration = duration
    }
}
