package import LeatCore
package import PGWire
internal import Synchronization

/// The position state, shared by source, sink and tickers of a ``Flow``.
package final class SharedPosition: Sendable {
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

    package init(_ state: PositionState, clock: any JobClock = ContinuousClock()) {
        self.state = Mutex(state)
        self.clock = clock
    }

    /// `body` must not wait for anything.
    package func with<Value>(_ body: (inout PositionState) -> Value) -> Value {
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
    package func hear(_ note: (inout PositionState) -> Void) {
        let isDue = with { state in
            note(&state)
            return state.dueWhenQuiet != nil
        }
        if isDue { storing.ring() }
    }

    /// Notes what the sink committed.
    package func committed(through end: LSN, isDurable: Bool) {
        with { $0.committed(through: end, isDurable: isDurable, at: clock.now) }
        if isDurable { reporting.ring() } else if isAwaited { storing.ring() }
    }

    // MARK: What the source has

    /// How far the source had written when it was last asked beside the stream; zero where nobody
    /// asks, because what is named needs no proof.
    package var sourceEnd: LSN { LSN(rawValue: writtenEnd.load(ordering: .relaxed)) }

    package func sourceEndRead(_ end: LSN) {
        writtenEnd.max(end.rawValue, ordering: .relaxed)
    }

    // MARK: Who waits

    /// The source is a server with synchronous standbys, of which this stream may be one.
    package var isAwaited: Bool { awaited.load(ordering: .relaxed) }

    package func setAwaited(_ isAwaited: Bool) {
        awaited.store(isAwaited, ordering: .relaxed)
    }

    package func wantReply() {
        replyWanted.store(true, ordering: .releasing)
        storeWanted.store(true, ordering: .releasing)
        reporting.ring()
        storing.ring()
    }

    package func takeReplyWanted() -> Bool {
        replyWanted.exchange(false, ordering: .acquiringAndReleasing)
    }

    package func takeStoreWanted() -> Bool {
        storeWanted.exchange(false, ordering: .acquiringAndReleasing)
    }

    /// The next status update asks the server for an answer.
    package func askForReply() {
        replyNeeded.store(true, ordering: .releasing)
        replyWanted.store(true, ordering: .releasing)
        reporting.ring()
    }

    package func takeReplyNeeded() -> Bool {
        replyNeeded.exchange(false, ordering: .acquiringAndReleasing)
    }

    package func batchSent() {
        receiverWaits.store(false, ordering: .relaxed)
        batchesUnderWay.add(1, ordering: .sequentiallyConsistent)
    }

    /// - Returns: Whether the receiver waits for this with another batch in its hands.
    package func batchApplied() -> Bool {
        batchesUnderWay.subtract(1, ordering: .sequentiallyConsistent)
        return receiverWaits.exchange(false, ordering: .sequentiallyConsistent)
    }

    package var isDrained: Bool { underWay == 0 }

    package var underWay: Int { batchesUnderWay.load(ordering: .sequentiallyConsistent) }

    /// The receiver is about to hold a batch back while the applier is busy, and wants
    /// ``batchApplied()`` to say so. Both sides write before they read: ask for ``underWay``
    /// after this, and one of the two notices when the applier is done just then.
    package func receiverWillWait() {
        receiverWaits.store(true, ordering: .sequentiallyConsistent)
    }
}
