public import PGWire
internal import Synchronization

/// Keeps the memory of an applied batch for one that is to come: fresh memory costs a page fault
/// for each of its pages, a quarter of what a row costs otherwise.
///
/// One at most is kept, and only of batches that fill up under load: a process at rest holds no
/// more than that.
public final class SpareBatches: Sendable {
    /// Those of this process: whoever puts batches together and whoever applies them do not know
    /// one another.
    public static let shared = SpareBatches()

    /// Smaller ones are made of memory that the allocator keeps by itself.
    private static let smallestBytes = 1 << 19

    private let spare = Mutex<Batch?>(nil)

    public init() {}

    /// The caller does not use the batch any more.
    public func keep(_ batch: Batch) {
        guard batch.byteCount >= SpareBatches.smallestBytes else { return }
        spare.withLock { $0 = batch }
    }

    /// An empty batch. Whoever still reads the one that it was does not notice.
    public func take() -> Batch {
        guard var batch = spare.withLock({ $0.take() }) else { return Batch() }
        batch.removeAll(keepingCapacity: true)
        return batch
    }
}
