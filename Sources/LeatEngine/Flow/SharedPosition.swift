internal import LeatCore
internal import PGWire
internal import Synchronization

/// The position state, shared by source, sink and tickers of a ``Flow``.
final class SharedPosition: Sendable {
    private let state: Mutex<PositionState>
    /// The server waits for a status update.
    private let replyWanted = Atomic<Bool>(false)
    /// The server has been silent for long.
    private let replyNeeded = Atomic<Bool>(false)
    /// Batches on their way from the source to the sink.
    private let batchesUnderWay = Atomic<Int>(0)
    private let receiverWaits = Atomic<Bool>(false)

    init(_ state: PositionState) {
        self.state = Mutex(state)
    }

    /// `body` must not wait for anything.
    func with<Value>(_ body: (inout PositionState) -> Value) -> Value {
        state.withLock { body(&$0) }
    }

    func wantReply() {
        replyWanted.store(true, ordering: .releasing)
    }

    var isReplyWanted: Bool { replyWanted.load(ordering: .acquiring) }

    func takeReplyWanted() -> Bool {
        replyWanted.exchange(false, ordering: .acquiringAndReleasing)
    }

    /// The next status update asks the server for an answer.
    func askForReply() {
        replyNeeded.store(true, ordering: .releasing)
        wantReply()
    }

    func takeReplyNeeded() -> Bool {
        replyNeeded.exchange(false, ordering: .acquiringAndReleasing)
    }

    func batchSent() {
        receiverWaits.store(false, ordering: .relaxed)
        batchesUnderWay.add(1, ordering: .sequentiallyConsistent)
    }

    /// - Returns: Whether the receiver waits for this with another batch in its hands.
    func batchApplied() -> Bool {
        batchesUnderWay.subtract(1, ordering: .sequentiallyConsistent)
        return receiverWaits.exchange(false, ordering: .sequentiallyConsistent)
    }

    var isDrained: Bool { underWay == 0 }

    var underWay: Int { batchesUnderWay.load(ordering: .sequentiallyConsistent) }

    /// The receiver is about to hold a batch back while the applier is busy, and wants
    /// ``batchApplied()`` to say so. Both sides write before they read: ask for ``underWay``
    /// after this, and one of the two notices when the applier is done just then.
    func receiverWillWait() {
        receiverWaits.store(true, ordering: .sequentiallyConsistent)
    }
}
