/// The waits between tries to reach a server.
///
/// Most connections are lost while the server is there, so the first try goes at once, and the next
/// ones soon after. While the server is away the waits double up to half a second; only as it stays
/// away they grow further, to a twentieth of that time. With jitter.
public struct Backoff: Sendable {
    private let first: Duration
    private let short: Duration
    private let cap: Duration
    private var failures = 0
    private var began: ContinuousClock.Instant?

    public init(
        first: Duration = .milliseconds(100), short: Duration = .milliseconds(500),
        cap: Duration = .seconds(15)
    ) {
        self.first = first
        self.short = short
        self.cap = cap
    }

    /// - Parameter random: From 0 up to 1. Between half of the wait and the whole of it is
    ///   taken, so that many clients of one server do not return all at once.
    public mutating func next(random: Double, at now: ContinuousClock.Instant) -> Duration {
        let away = now - (began ?? now)
        began = began ?? now
        defer { failures += 1 }
        guard failures > 0 else { return .zero }
        let doubled = first * (1 << min(failures - 1, 16))
        return min(doubled, max(short, away / 20), cap) * (0.5 + random / 2)
    }

    public mutating func reset() {
        failures = 0
        began = nil
    }

    public var attempts: Int { failures }
}
