public import PGWire

/// Decides what to store and what to confirm to the walsender.
///
/// The server recycles WAL up to the confirmed position and never sends it again, so nothing
/// is confirmed that the target has not stored durably: not even the end of an idle stream, or
/// a restart would find the slot ahead of the stored position.
///
/// Transactions are applied in the order of their commits, so one number says what is in
/// flight: the end of the last transaction that was handed to the applier. A worked example,
/// position 0/100, slot confirmed up to 0/100:
///
/// 1. A commit that ends at 0/200 arrives. In flight: 0/200. Confirmed: 0/100.
/// 2. A keepalive says 0/280. It may not be stored: 0/200 is not on the target yet.
/// 3. The applier commits 0/200 asynchronously. Position 0/200, durable 0/100: a crash of the
///    target may still lose it, so 0/100 stays confirmed.
/// 4. The tick stores 0/280 with a synchronous commit. Durable and confirmed: 0/280.
///
/// A crash of Leat between two steps leaves the slot at or before the stored position; the
/// next start takes up at the stored one. Our predecessor may have committed that one
/// asynchronously just before it ended: until a synchronous commit of our own, the first tick's
/// at the latest, only what the slot has confirmed counts as durable.
public struct PositionState: Sendable {
    /// The three positions of a standby status update.
    public struct Status: Equatable, Sendable {
        public var written: LSN
        public var flushed: LSN
        public var applied: LSN
    }

    /// The end of what the target has committed, durably or not.
    public private(set) var position: LSN
    /// The end of what a crash of the target cannot lose.
    public private(set) var durable: LSN
    /// The highest end that the server named on this connection, in commits or keepalives.
    public private(set) var heard: LSN = .zero
    /// The end of the last transaction handed to the applier.
    private var received: LSN
    /// Between Begin and Commit. A keepalive may arrive there, and says nothing of it.
    private var isTransactionOpen = false
    /// The end of what the source need not keep: told to it, or about to be.
    public private(set) var confirmed: LSN
    private let holdBack: Duration
    /// Durable positions not yet old enough to be confirmed, ascending.
    private var held: [(since: ContinuousClock.Instant, end: LSN)] = []

    /// - Parameters:
    ///   - position: The stored position at which the stream starts.
    ///   - confirmed: The slot's `confirmed_flush_lsn`, at or before `position`.
    ///   - holdBack: Only what was stored this long ago is confirmed.
    public init(startingAt position: LSN, confirmed: LSN, holdBack: Duration = .zero) {
        self.position = position
        received = position
        self.confirmed = min(confirmed, position)
        durable = self.confirmed
        self.holdBack = holdBack
    }

    // MARK: What the receiver hears

    public mutating func transactionBegan() {
        isTransactionOpen = true
    }

    /// A transaction with changes for the target is whole.
    public mutating func commitReceived(end: LSN) {
        isTransactionOpen = false
        received = max(received, end)
        heard = max(heard, end)
    }

    /// A transaction with nothing for the target ended.
    public mutating func emptyCommitReceived(end: LSN) {
        isTransactionOpen = false
        heard = max(heard, end)
    }

    public mutating func keepaliveReceived(walEnd: LSN) {
        heard = max(heard, walEnd)
    }

    // MARK: What the applier did

    /// The target committed everything up to `end`.
    ///
    /// Batches and ticks report from tasks of their own, so a synchronous commit may be told
    /// after a later one that is not durable.
    ///
    /// - Parameter isDurable: It was a synchronous commit: it and all before it are safe.
    public mutating func committed(
        through end: LSN, isDurable: Bool, at now: ContinuousClock.Instant
    ) {
        position = max(position, end)
        guard isDurable, end > durable else { return }
        durable = end
        if holdBack > .zero { held.append((since: now, end: durable)) }
    }

    // MARK: What to do

    /// Nothing is in flight: no transaction is open, and all that were received are committed.
    public var isIdle: Bool { received <= position && !isTransactionOpen }

    /// The server has yet to hear of something that was received or stored.
    public var hasUnconfirmed: Bool { confirmed < max(received, position) }

    /// What the busy tick or the end of a drain stores synchronously: what is committed and not
    /// yet durable. Nil if there is nothing.
    public var dueAtDrain: LSN? { position > durable ? position : nil }

    /// What the status tick stores synchronously. With nothing in flight that is the furthest
    /// end heard, so that a quiet stream lets the server recycle the WAL of its neighbours.
    public var dueAtTick: LSN? {
        guard isIdle, heard > position else { return dueAtDrain }
        return heard
    }

    /// What may be stored at once: the furthest end heard, while nothing is in flight and nothing
    /// that was applied waits for the target's disk. A busy target gets there by itself, and each
    /// commit that waits for the disk would hold up what comes meanwhile.
    public var dueWhenQuiet: LSN? {
        isIdle && heard > position && durable >= position ? heard : nil
    }

    /// The positions to report now. `flushed` never goes back, and never beyond what is durable
    /// or what the server itself has named: it would believe any number.
    public mutating func status(at now: ContinuousClock.Instant) -> Status {
        confirmed = max(confirmed, min(confirmable(at: now), heard))
        return Status(written: max(heard, confirmed), flushed: confirmed, applied: confirmed)
    }

    private mutating func confirmable(at now: ContinuousClock.Instant) -> LSN {
        guard holdBack > .zero else { return durable }
        var oldEnough = LSN.zero
        while let first = held.first, first.since + holdBack <= now {
            oldEnough = first.end
            held.removeFirst()
        }
        return oldEnough
    }
}
