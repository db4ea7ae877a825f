public import LeatCore
public import PGWire
internal import Synchronization

/// The position state, shared by source, sink and tickers of a ``Flow``.
public final class SharedPosition: Sendable {
    private let state: Mutex<PositionState>
    /// There may be something to store.
    let storing = Bell()
    /// There may be something to report.
    let reporting = Bell()
    /// The server waits for a status update.
    private let replyWanted = Atomic<Bool>(false)
    /// The server has asked for one: what it waits for may have to be stored first.
    private let storeWanted = Atomic<Bool>(false)
    /// Commits of the source wait for what is confirmed.
    private let awaited = Atomic<Bool>(false)
    /// The server has been silent for long.
    private let replyNeeded = Atomic<Bool>(false)
    /// Batches on their way from the source to the sink.
    private let batchesUnderWay = Atomic<Int>(0)
    private let receiverWaits = Atomic<Bool>(false)
    private let writtenEnd = Atomic<UInt64>(0)

    /// By which the flow goes.
    let clock: any JobClock

    /// Nothing is received, applied or under way yet beyond what `state` says.
    public init(_ state: PositionState, clock: any JobClock = ContinuousClock()) {
        self.state = Mutex(state)
        self.clock = clock
    }

    /// `body` must not wait for anything.
    public func with<Value>(_ body: (inout PositionState) -> Value) -> Value {
        state.withLock { body(&$0) }
    }

    /// For whoever looks.
    var stages: JobSnapshot.Positions {
        with { state in
            JobSnapshot.Positions(
                heard: state.heard, applied: state.position, stored: state.durable,
                confirmed: state.confirmed)
        }
    }

    /// Notes an end that the source named with nothing for the sink before it.
    public func hear(_ note: (inout PositionState) -> Void) {
        let isDue = with { state in
            note(&state)
            return state.dueWhenQuiet != nil
        }
        if isDue { storing.ring() }
    }

    /// Notes what the sink committed.
    public func committed(through end: LSN, isDurable: Bool) {
        with { $0.committed(through: end, isDurable: isDurable, at: clock.now) }
        if isDurable { reporting.ring() } else if isAwaited { storing.ring() }
    }

    // MARK: What the source has

    /// How far the source had written when it was last asked beside the stream; zero where nobody
    /// asks, because what is named needs no proof.
    public var sourceEnd: LSN { LSN(rawValue: writtenEnd.load(ordering: .relaxed)) }

    /// The source was asked how far it had written. An older answer changes nothing.
    public func sourceEndRead(_ end: LSN) {
        writtenEnd.max(end.rawValue, ordering: .relaxed)
    }

    // MARK: Who waits

    /// The source is a server with synchronous standbys, of which this stream may be one.
    public var isAwaited: Bool { awaited.load(ordering: .relaxed) }

    /// Notes whether commits of the source wait for what this stream confirms.
    public func setAwaited(_ isAwaited: Bool) {
        awaited.store(isAwaited, ordering: .relaxed)
    }

    /// The server has asked for a status update: what it waits for is stored and reported at once.
    public func wantReply() {
        replyWanted.store(true, ordering: .releasing)
        storeWanted.store(true, ordering: .releasing)
        reporting.ring()
        storing.ring()
    }

    /// Whether a status update is wanted at once; from here on none is.
    public func takeReplyWanted() -> Bool {
        replyWanted.exchange(false, ordering: .acquiringAndReleasing)
    }

    /// Whether what was applied is to be stored at once; from here on it is not.
    public func takeStoreWanted() -> Bool {
        storeWanted.exchange(false, ordering: .acquiringAndReleasing)
    }

    /// The next status update asks the server for an answer.
    public func askForReply() {
        replyNeeded.store(true, ordering: .releasing)
        replyWanted.store(true, ordering: .releasing)
        reporting.ring()
    }

    /// Whether the next status update is to ask the server for an answer; the one after it is not.
    public func takeReplyNeeded() -> Bool {
        replyNeeded.exchange(false, ordering: .acquiringAndReleasing)
    }

    /// A batch has left the source for the sink.
    public func batchSent() {
        receiverWaits.store(false, ordering: .relaxed)
        batchesUnderWay.add(1, ordering: .sequentiallyConsistent)
    }

    /// - Returns: Whether the receiver waits for this with another batch in its hands.
    public func batchApplied() -> Bool {
        batchesUnderWay.subtract(1, ordering: .sequentiallyConsistent)
        return receiverWaits.exchange(false, ordering: .sequentiallyConsistent)
    }

    /// Whether nothing is on its way from the source to the sink.
    public var isDrained: Bool { underWay == 0 }

    /// Batches on their way from the source to the sink.
    public var underWay: Int { batchesUnderWay.load(ordering: .sequentiallyConsistent) }

    /// The receiver is about to hold a batch back while the applier is busy, and wants
    /// ``batchApplied()`` to say so. Both sides write before they read: ask for ``underWay``
    /// after this, and one of the two notices when the applier is done just then.
    public func receiverWillWait() {
        receiverWaits.store(true, ordering: .sequentiallyConsistent)
    }
}
