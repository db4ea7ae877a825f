/// A source transaction, or the piece of it that one batch holds.
public struct Transaction: Sendable, Equatable {
    /// The transaction's number on the source.
    public var xid: TransactionID
    /// Start of the commit record.
    public var commitLSN: LSN
    /// Just past the commit record: the position once the transaction is stored.
    public var endLSN: LSN
    /// By the source's clock.
    public var commitTime: PostgresTimestamp
    /// The replication origin that the source's session worked under, if any.
    public var origin: String?
    /// Index of its first change in ``Batch/changes``; the next transaction's
    /// first change, or the end of the table, ends it.
    public var firstChange: Int
    /// Whether its first changes are in an earlier batch.
    public var beganEarlier: Bool
    /// Whether its commit is in this batch.
    public var isComplete: Bool

    /// One whose changes are still to be added.
    public init(
        xid: TransactionID, commitLSN: LSN, endLSN: LSN, commitTime: PostgresTimestamp,
        origin: String? = nil, firstChange: Int, beganEarlier: Bool = false,
        isComplete: Bool = true
    ) {
        self.xid = xid
        self.commitLSN = commitLSN
        self.endLSN = endLSN
        self.commitTime = commitTime
        self.origin = origin
        self.firstChange = firstChange
        self.beganEarlier = beganEarlier
        self.isComplete = isComplete
    }
}
