public import PGWire

/// Which transactions had ended when a snapshot was taken: their work is seen by whatever is read
/// later.
///
/// A worked example: `760:764:761` says that 760 may be in progress or not begun, as may all from
/// 764 on, and that 761 is in progress.
///
/// Source: `pg_snapshot` in "Transaction ID and Snapshot Information Functions".
public struct FinishedTransactions: Sendable, Equatable {
    private var next: UInt32
    private var inProgress: Set<UInt32>

    /// - Parameter snapshot: XMIN:XMAX:XIP,XIP... of 64-bit numbers, of which the low 32 count.
    public init?(snapshot: String) {
        let parts = snapshot.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let next = UInt64(parts[1]) else { return nil }
        let listed = parts[2].split(separator: ",").map { UInt64($0) }
        guard !listed.contains(nil) else { return nil }
        self.next = UInt32(truncatingIfNeeded: next)
        inProgress = Set(listed.compactMap { $0.map(UInt32.init(truncatingIfNeeded:)) })
    }

    public func contains(_ xid: TransactionID) -> Bool {
        let isBefore = Int32(bitPattern: xid.rawValue &- next) < 0
        return isBefore && !inProgress.contains(xid.rawValue)
    }
}
