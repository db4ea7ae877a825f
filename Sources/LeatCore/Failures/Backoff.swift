/// The waits between tries to reach a server: doubling, capped, with jitter.
public struct Backoff: Sendable {
    private let first: Duration
    private let cap: Duration
    private var failures = 0

    public init(first: Duration = .milliseconds(200), cap: Duration = .seconds(15)) {
        self.first = first
        self.cap = cap
    }

    /// - Parameter random: From 0 up to 1. Between half of the wait and the whole of it is
    ///   taken, so that many clients of one server do not return all at once.
    public mutating func next(random: Double) -> Duration {
        let doubled = first * (1 << min(failures, 16))
        failures += 1
        return min(doubled, cap) * (0.5 + random / 2)
    }

    public mutating func reset() {
        failures = 0
    }

    public var attempts: Int { failures }
}
