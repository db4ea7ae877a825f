/// Decides when the receiver hands to the applier what it has put together.
///
/// Idle, each transaction goes at once; where very many come, some at a time. Under load a batch
/// grows while the applier works: the more it holds, the less a row costs. One batch waits behind
/// the one at work, so that the applier never waits for the receiver; the next one grows until
/// there is room.
public struct HandOver: Sendable {
    /// What is known when the question comes up.
    public struct Situation: Sendable {
        /// Size of what was put together.
        public var bytes: Int
        /// Whether it may grow no further: see ``BatchLimit``.
        public var isFull: Bool
        /// How many whole transactions are in it.
        public var commits: Int
        /// When its first whole transaction was there.
        public var since: ContinuousClock.Instant
        /// Batches that the applier has, the one it works on included.
        public var underWay: Int
        /// Whether the stream is far behind the source, so that nobody waits for a row.
        public var isBehind: Bool
        /// Whether transactions come at a high rate.
        public var isCrowded: Bool

        public init(
            bytes: Int, isFull: Bool, commits: Int, since: ContinuousClock.Instant, underWay: Int,
            isBehind: Bool, isCrowded: Bool = false
        ) {
            self.bytes = bytes
            self.isFull = isFull
            self.commits = commits
            self.since = since
            self.underWay = underWay
            self.isBehind = isBehind
            self.isCrowded = isCrowded
        }
    }

    public enum Decision: Equatable, Sendable {
        case handOver
        /// It may grow. Ask again when it has, at `until`, or when the applier has done a batch.
        case keep(until: ContinuousClock.Instant?)
    }

    /// Large enough to be worth an applier's round trips.
    public static let worthwhileBytes = 1 << 20
    static let age: Duration = .milliseconds(20)
    /// Of small transactions that come at a high rate so many are a batch.
    static let crowd = 24
    /// One at work, one behind it.
    static let mostUnderWay = 2

    public static func decide(
        _ situation: Situation, at now: ContinuousClock.Instant
    ) -> Decision {
        if situation.isFull { return .handOver }
        guard situation.underWay < mostUnderWay else { return .keep(until: nil) }
        if situation.bytes >= worthwhileBytes { return .handOver }
        // A piece of a transaction that has not ended yet.
        guard situation.commits > 0 else { return .keep(until: nil) }
        let isEnough = !situation.isCrowded || situation.commits >= crowd
        if situation.underWay == 0, !situation.isBehind, isEnough { return .handOver }
        let due = situation.since + age
        return due <= now ? .handOver : .keep(until: due)
    }
}
