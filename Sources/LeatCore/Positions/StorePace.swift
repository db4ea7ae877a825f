/// How often the end of a stream with nothing in flight is stored.
///
/// Each time is a commit of the target's that waits for its disk, and writes WAL: where that comes
/// back as another stream's end, two quiet databases would keep each other awake. So each is stored
/// at once as long as they are few, and in the long run two a second.
public struct StorePace: Sendable {
    static let lasting: Duration = .milliseconds(500)
    static let burst = 50

    /// So many more may go at once.
    private var spare = StorePace.burst
    /// From when on the time counts that earns more.
    private var counted: ContinuousClock.Instant

    public init(at now: ContinuousClock.Instant) {
        counted = now
    }

    public func allows(at now: ContinuousClock.Instant) -> Bool {
        spare > 0 || earned(at: now) > 0
    }

    public mutating func stored(at now: ContinuousClock.Instant) {
        let earned = earned(at: now)
        counted += StorePace.lasting * earned
        spare = max(0, min(spare + earned, StorePace.burst) - 1)
    }

    private func earned(at now: ContinuousClock.Instant) -> Int {
        Int((now - counted) / StorePace.lasting)
    }
}
