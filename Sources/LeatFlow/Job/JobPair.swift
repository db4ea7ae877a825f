/// Two jobs in one process, of which the second takes what the first brings, each at its own pace and
/// with its own restarts. What needs a person in one of them ends both.
///
/// A stop ends the first, and then the second: what was brought by then is taken, if that does not
/// last longer than a few seconds. Where the second comes to its end, the first ends too.
public struct JobPair: Sendable {
    private enum TaskEnd<Ending: Sendable>: Sendable {
        case stopAsked, waitedLong, brought
        case taken(Ending?)
    }

    /// What a stop waits for the last of the first job, so that a second one that is not behind has
    /// all of it.
    private static let patience: Duration = .seconds(3)

    /// Ends the first job.
    public let bringing = StopSignal()
    /// Ends the second job.
    public let taking = StopSignal()
    private let clock: any JobClock

    /// - Parameter clock: By which a stop waits.
    public init(clock: any JobClock = ContinuousClock()) {
        self.clock = clock
    }

    /// Runs both until both have ended.
    ///
    /// - Parameters:
    ///   - stop: Ends them in order.
    ///   - bring: The first job, until ``bringing`` is requested.
    ///   - take: The second job, until ``taking`` is requested.
    ///   - wake: Called when ``bringing`` is requested: a first job that waits for something before
    ///     it begins goes on, to see that.
    /// - Returns: How the second one has ended.
    /// - Throws: What either throws.
    public func run<Ending: Sendable>(
        until stop: StopSignal, bringing bring: @escaping @Sendable () async throws -> Void,
        taking take: @escaping @Sendable () async throws -> Ending?, waking wake: () -> Void
    ) async throws -> Ending? {
        try await withThrowingTaskGroup(of: TaskEnd<Ending>.self) { group in
            group.addTask {
                await stop.wait()
                return .stopAsked
            }
            group.addTask {
                try await bring()
                return .brought
            }
            group.addTask { .taken(try await take()) }
            var (isBrought, isTaken) = (false, false)
            var ending: Ending?
            while !(isBrought && isTaken), let end = try await group.next() {
                switch end {
                case .stopAsked:
                    bringing.request()
                    wake()
                    group.addTask {
                        try await clock.sleep(for: JobPair.patience)
                        return .waitedLong
                    }
                case .brought:
                    isBrought = true
                    taking.request()
                case .waitedLong:
                    taking.request()
                case .taken(let how):
                    (isTaken, ending) = (true, how)
                    // At its end, or stopped: nothing more is brought either.
                    bringing.request()
                    wake()
                }
            }
            group.cancelAll()
            return ending
        }
    }
}
