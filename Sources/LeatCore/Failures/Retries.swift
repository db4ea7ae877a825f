/// What becomes of a job whose run has failed: another try, after which wait, and what is said of it.
public struct Retries: Sendable {
    public enum Action: Equatable, Sendable {
        /// - Parameter isTold: Not each of many that say the same.
        case tryAgain(after: Duration, isTold: Bool)
        /// A server has refused for so long that it needs a person.
        case giveUp
    }

    /// How long a server that let us in before may refuse to. A password is changed in two steps,
    /// on the server and where Leat reads it.
    public static let patience: Duration = .seconds(300)
    /// What says the same is told so many times, and then this often.
    static let toldAtFirst = 5
    static let toldEvery: Duration = .seconds(5)

    private var backoff = Backoff()
    private var refusedSince: ContinuousClock.Instant?
    private var lastTold: (reason: String, count: Int, at: ContinuousClock.Instant)?

    public init() {}

    /// The run has moved on: what went wrong before it does not count any more.
    public mutating func progressed() {
        backoff.reset()
        refusedSince = nil
        lastTold = nil
    }

    /// - Parameter isRefusal: A server did not let us in.
    public mutating func failed(
        _ reason: String, isRefusal: Bool, random: Double, at now: ContinuousClock.Instant
    ) -> Action {
        refusedSince = isRefusal ? refusedSince ?? now : nil
        if let refusedSince, now - refusedSince >= Retries.patience { return .giveUp }
        return .tryAgain(
            after: backoff.next(random: random, at: now), isTold: isTold(reason, at: now))
    }

    private mutating func isTold(_ reason: String, at now: ContinuousClock.Instant) -> Bool {
        let count = lastTold?.reason == reason ? lastTold?.count ?? 0 : 0
        if count >= Retries.toldAtFirst, let lastTold, now - lastTold.at < Retries.toldEvery {
            return false
        }
        lastTold = (reason, count + 1, now)
        return true
    }
}
