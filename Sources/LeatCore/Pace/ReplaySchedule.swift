public import PGWire

/// A place in the stream: after everything that ends at or before an LSN, or that was committed
/// at or before a time.
///
/// Commits are not quite in the order of their times. As for `recovery_target_time`, the first one
/// with a later time is where the place is.
public enum ReplayMoment: Equatable, Sendable {
    case lsn(LSN)
    case time(PostgresTimestamp)

    /// Whether a transaction, or a first piece of one, comes after it.
    public func isBefore(_ transaction: Transaction) -> Bool {
        switch self {
        case .lsn(let end):
            // The end of a transaction that is not whole yet is beyond its commit record's start.
            transaction.isComplete ? transaction.endLSN > end : transaction.commitLSN >= end
        case .time(let time):
            // A logical message outside of transactions has no time.
            !transaction.isTimeless && transaction.commitTime > time
        }
    }
}

extension Transaction {
    fileprivate var isTimeless: Bool { xid.rawValue == 0 }
}

/// Says when the transactions of an archive go to the sink: at which speed, where it pauses, and
/// where it ends.
///
/// At a speed, the spacing of the source's commits is kept, divided by it. A sink that is slower
/// catches up at its own pace; a pause starts the spacing anew.
public struct ReplaySchedule: Sendable {
    public enum Admission: Equatable, Sendable {
        case now
        case at(ContinuousClock.Instant)
        /// Not before ``resume()``.
        case paused
        /// Neither it nor anything behind it.
        case never
    }

    /// It is over at the first of them.
    private let ends: [ReplayMoment]
    /// Nil: as fast as the sink takes it.
    private let speed: Double?
    private var pauses: [ReplayMoment]
    private var anchor: (time: ContinuousClock.Instant, commit: PostgresTimestamp)?

    /// - Parameters:
    ///   - until: Where it ends; nil: nowhere.
    ///   - limit: What is beyond it is not read either.
    ///   - speed: 1 for the source's own, 10 for ten times as fast; nil: no limit. Above 0.
    ///   - pauses: Where it waits for ``resume()``.
    public init(
        until: ReplayMoment? = nil, limit: LSN? = nil, speed: Double? = nil,
        pauses: [ReplayMoment] = []
    ) {
        ends = [until, limit.map { .lsn($0) }].compactMap { $0 }
        self.speed = speed
        self.pauses = pauses
    }

    /// Whether nothing waits for its time: what is there may go in large batches.
    public var isUnlimited: Bool { speed == nil }

    /// - Parameter transaction: The next one in the stream; asked again until it is admitted. A
    ///   later piece of one follows its first.
    public mutating func admit(
        _ transaction: Transaction, at now: ContinuousClock.Instant
    ) -> Admission {
        if transaction.beganEarlier { return .now }
        if ends.contains(where: { $0.isBefore(transaction) }) { return .never }
        if pauses.contains(where: { $0.isBefore(transaction) }) { return .paused }
        return due(transaction, at: now)
    }

    private mutating func due(
        _ transaction: Transaction, at now: ContinuousClock.Instant
    ) -> Admission {
        guard let speed, !transaction.isTimeless else { return .now }
        guard let anchor else {
            anchor = (now, transaction.commitTime)
            return .now
        }
        let (distance, overflow) = transaction.commitTime.rawValue
            .subtractingReportingOverflow(anchor.commit.rawValue)
        guard !overflow, distance > 0 else { return .now }
        let due = anchor.time + .microseconds(Int64(min(Double(distance) / speed, 1e17)))
        return due <= now ? .now : .at(due)
    }

    /// The position once everything before `place` is stored, where nothing behind that is
    /// admitted any more.
    public func end(before place: LSN) -> LSN {
        min(lastLSN ?? place, place)
    }

    /// Whether a stream that is known up to `end`, and has nothing more, has reached the end.
    public func isOver(at end: LSN) -> Bool {
        lastLSN.map { end >= $0 } ?? false
    }

    private var lastLSN: LSN? {
        ends.compactMap { end in
            guard case .lsn(let lsn) = end else { return nil }
            return lsn
        }.min()
    }

    /// Goes on behind the pauses that `transaction` waits at.
    public mutating func resume(_ transaction: Transaction) {
        pauses.removeAll { $0.isBefore(transaction) }
        anchor = nil
    }
}
