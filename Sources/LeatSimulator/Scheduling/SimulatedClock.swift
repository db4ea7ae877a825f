internal import LeatFlow

/// The clock of a ``SimulatedThread``.
struct SimulatedClock: JobClock {
    let thread: SimulatedThread
    /// Only differences of instants mean anything.
    private let beginning = ContinuousClock.now

    init(_ thread: SimulatedThread) {
        self.thread = thread
    }

    var now: ContinuousClock.Instant { beginning + .microseconds(thread.now) }
    var minimumResolution: Duration { .microseconds(1) }

    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        let (seconds, attoseconds) = (deadline - beginning).components
        try await thread.sleep(
            until: seconds * 1_000_000 + attoseconds / 1_000_000_000_000, id: thread.nextID())
    }
}
