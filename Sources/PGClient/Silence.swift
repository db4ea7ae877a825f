/// What is done about a server that owes an answer and is silent.
///
/// A server that is gone is noticed by TCP. One behind a box that acknowledges and forwards nothing is
/// not; nor can a client tell it from one that is at work, or waits for a lock.
public struct Silence: Sendable {
    /// After so long it is told, once each time.
    public var toldAfter: Duration
    /// After so long the connection is given up as lost; nil: never.
    public var limit: Duration?
    /// Called with the endpoint, and what it owes an answer to.
    public var tell: @Sendable (_ endpoint: String, _ attempted: String) -> Void

    /// A limit of nil: the connection is never given up.
    public init(
        toldAfter: Duration = .seconds(10), limit: Duration? = nil,
        tell: @escaping @Sendable (String, String) -> Void
    ) {
        self.toldAfter = toldAfter
        self.limit = limit
        self.tell = tell
    }
}

/// One wait for an answer.
struct SilentWait {
    enum Step: Equatable {
        case wait(until: ContinuousClock.Instant?)
        case tell, giveUp
    }

    private let silence: Silence
    private let began: ContinuousClock.Instant
    private var isTold = false

    init(_ silence: Silence, at now: ContinuousClock.Instant) {
        self.silence = silence
        began = now
    }

    /// Nothing has come yet.
    mutating func next(at now: ContinuousClock.Instant) -> Step {
        if let limit = silence.limit, now - began >= limit { return .giveUp }
        if !isTold, now - began >= silence.toldAfter {
            isTold = true
            return .tell
        }
        let limit = silence.limit.map { began + $0 }
        guard !isTold else { return .wait(until: limit) }
        return .wait(until: min(limit ?? began + silence.toldAfter, began + silence.toldAfter))
    }
}
