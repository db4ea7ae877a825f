internal import LeatCore
public import PGWire

/// Where batches go: a PostgreSQL target, an archive.
///
/// Called by one task for batches and another for positions; what they must not do at the same
/// time is the sink's to keep apart.
public protocol BatchSink: Sendable {
    /// Where the task that hands over the batches should run; nil: anywhere.
    var executor: (any TaskExecutor)? { get }

    /// Takes a batch: whole transactions in commit order, and perhaps pieces of one too large, the
    /// first pieces of which came in the batches before.
    ///
    /// A source hands over pieces of transactions in progress (`batch.piece`) only where it was
    /// started so, for a sink that takes them.
    ///
    /// What it returns as ``Applied/end`` need not be durable; ``store(_:)`` makes it so.
    ///
    /// - Throws: `Halt` for what needs a person, ``Restart`` or a lost connection for the one
    ///   restart path. Transactions before the one at fault may be stored; nothing of that one is.
    func apply(_ batch: Batch) async throws -> Applied

    /// Does what can be done of a batch before its turn, while ``BegunBatch/apply()`` of the batch
    /// before may still be at work.
    ///
    /// - Returns: Nil if that is nothing; then it goes to ``apply(_:)`` when its turn has come.
    func begin(_ batch: Batch) async throws -> (any BegunBatch)?

    /// Makes everything taken so far durable, together with the position `wanted`, or with the end
    /// of what was taken if that is beyond it.
    ///
    /// - Parameter wanted: Every transaction that ends at or before it was taken, or is none of
    ///   the stream's.
    /// - Returns: What is stored now. Nil if nothing was: a transaction of which only pieces were
    ///   taken stands in the way, or the next batch is to do it (``Applied/isDurable``).
    func store(_ wanted: LSN) async throws -> LSN?

    /// How far what was taken has become durable by itself: nobody need wait for it, or make
    /// anything else wait. Nil where that does not happen, or cannot be seen.
    func durable() async throws -> LSN?

    /// Drops transactions of which only pieces were taken: the rest will not come.
    func rollBack() async throws
}

extension BatchSink {
    /// Anywhere.
    public var executor: (any TaskExecutor)? { nil }

    /// It does not happen by itself.
    public func durable() async throws -> LSN? { nil }

    /// Nothing is done before its turn.
    public func begin(_ batch: Batch) async throws -> (any BegunBatch)? { nil }
}

/// A batch that a sink has begun.
public protocol BegunBatch: Sendable {
    /// Takes it, as ``BatchSink/apply(_:)`` does. It is its turn: all batches before are applied.
    func apply() async throws -> Applied
}
