/// How often something took how long, in buckets as Prometheus has them: each counts what is not longer
/// than its bound.
public struct DurationHistogram: Sendable, Equatable {
    /// In seconds, ascending: from what a small transaction takes to what a large batch does.
    public static let bounds = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// One more than ``bounds``: the last is of what is longer than all of them. Not cumulative.
    public private(set) var counts = [Int](repeating: 0, count: bounds.count + 1)
    /// Of all, in seconds.
    public private(set) var sum = 0.0

    /// Of nothing yet.
    public init() {}

    /// How many durations there are in all.
    public var count: Int { counts.reduce(0, +) }

    mutating func note(_ duration: Duration) {
        let seconds = duration / .seconds(1)
        sum += seconds
        counts[DurationHistogram.bounds.firstIndex { seconds <= $0 } ?? counts.count - 1] += 1
    }

    /// A bound that so large a share is not longer than; nil where there is none, or of nothing.
    ///
    /// - Parameter share: 0.5 for the median.
    public func bound(ofShare share: Double) -> Double? {
        var left = Double(count) * share
        guard left > 0 else { return nil }
        for (bound, count) in zip(DurationHistogram.bounds, counts) {
            left -= Double(count)
            if left <= 0 { return bound }
        }
        return nil
    }
}
