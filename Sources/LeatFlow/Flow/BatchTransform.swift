public import PGWire

/// What becomes of batches between a ``BatchSource`` and a ``BatchSink``: values that are masked, say.
///
/// A flow that has none calls nothing and copies nothing. One that has one gives it each batch that the
/// sink is about to get, and the sink sees only what has come of it.
public protocol BatchTransform: Sendable {
    /// Rewrites a batch in place.
    ///
    /// Transactions, changes and their order stay as they are, and so does every place that the batch
    /// names: positions, relations, tuples. What may change is what columns hold. New values go to the
    /// end of the arena, with a NUL behind each. A transaction that is too large for a batch comes in
    /// pieces, each in a batch of its own.
    ///
    /// Called by one task, in the order of the stream, with whole batches or with the first transactions
    /// of one and then the rest; perhaps before the batch that came before is applied.
    ///
    /// - Throws: What a sink throws. Nothing of the batch is applied then; the batches before are.
    func transform(_ batch: inout Batch) async throws
}
