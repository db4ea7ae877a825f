public import LeatCore
public import PGWire

/// What ``BatchSource/next()`` brings.
public enum Delivery: Sendable {
    case batch(Batch)
    /// Nothing for now.
    case nothing
    /// The source has no more: it ended by itself, or ``BatchSource/stop()`` was called.
    case ended
}

/// Where batches come from: a slot, an archive.
///
/// A source and its ``Flow`` share a ``SharedPosition``. The source notes there every transaction
/// that it begins, every commit (whether it has changes for the sink or not), the ends it hears
/// of, and each batch, before it hands that over.
public protocol BatchSource: Sendable {
    /// Where the task that takes the batches should run; nil: anywhere.
    var executor: (any TaskExecutor)? { get }

    /// Waits for a batch, for at most about a second.
    ///
    /// - Throws: ``Restart`` or a lost connection, for the one restart path; `Halt`.
    func next() async throws -> Delivery

    /// Ends the intake. Whole transactions that were taken in are still delivered, then
    /// ``Delivery/ended``. From any thread, without waiting.
    func stop()

    /// Why it has ended, where that is no stop: what came before is applied and stored first.
    var reasonToEnd: (any Error)? { get }

    /// How far the source has written by now, asked beside the stream; nil where the ends that it
    /// names need no proof, or none can be had.
    func writtenEnd() async throws -> LSN?

    /// The sink has done a batch: a source that kept one back may deliver it. From any thread,
    /// without waiting.
    func sinkHasRoom()

    /// Tells the source how far the sink is: everything that ends at or before `flushed` is
    /// durable and need not be kept. Also while the sink is busy and batches wait.
    ///
    /// - Parameters:
    ///   - status: What is received, and what is durable.
    ///   - asksForReply: The source has been silent for long: ask for a word.
    func report(_ status: PositionState.Status, asksForReply: Bool) async throws
}

extension BatchSource {
    /// A source that ends only when it is stopped.
    public var reasonToEnd: (any Error)? { nil }
    /// What is named needs no proof.
    public func writtenEnd() async throws -> LSN? { nil }
    /// Anywhere.
    public var executor: (any TaskExecutor)? { nil }
}
