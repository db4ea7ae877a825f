// The messages around the changes of a transaction still in progress (protocol
// version 2): blocks of changes between Stream Start and Stream Stop, later
// Stream Commit or Stream Abort.
// Layouts: "Logical Replication Message Formats" in the PostgreSQL manual.

/// `S`: a block of changes of a transaction in progress follows.
public struct StreamStartMessage: Sendable, Equatable {
    /// The top-level transaction.
    public var xid: TransactionID
    /// Whether it is the first block of the transaction.
    public var isFirstSegment: Bool

    /// As it was sent.
    public init(xid: TransactionID, isFirstSegment: Bool) {
        self.xid = xid
        self.isFirstSegment = isFirstSegment
    }

    init(_ cursor: inout ByteCursor) throws(DecodeError) {
        xid = try cursor.transactionID()
        isFirstSegment = try cursor.flags(known: 1) == 1
    }
}

/// `c`: the streamed transaction has committed.
public struct StreamCommitMessage: Sendable, Equatable {
    /// The transaction that is committed.
    public var xid: TransactionID
    /// Unused, always 0.
    public var flags: UInt8
    /// Start of the commit record.
    public var commitLSN: LSN
    /// Just past the commit record.
    public var endLSN: LSN
    /// By the source's clock.
    public var commitTime: PostgresTimestamp

    /// As it was sent.
    public init(
        xid: TransactionID, flags: UInt8 = 0, commitLSN: LSN, endLSN: LSN,
        commitTime: PostgresTimestamp
    ) {
        self.xid = xid
        self.flags = flags
        self.commitLSN = commitLSN
        self.endLSN = endLSN
        self.commitTime = commitTime
    }

    init(_ cursor: inout ByteCursor) throws(DecodeError) {
        xid = try cursor.transactionID()
        flags = try cursor.flags(known: 0)
        commitLSN = try cursor.lsn()
        endLSN = try cursor.lsn()
        commitTime = try cursor.timestamp()
    }
}

/// `A`: the streamed transaction, or a subtransaction of it, has aborted.
public struct StreamAbortMessage: Sendable, Equatable {
    /// The top-level transaction.
    public var xid: TransactionID
    /// The aborted subtransaction; equal to ``xid`` if all of it aborted.
    public var subxid: TransactionID
    /// Only in protocol version 4 with parallel streaming.
    public var abortLSN: LSN?
    /// Only in protocol version 4 with parallel streaming.
    public var abortTime: PostgresTimestamp?

    /// As it was sent.
    public init(
        xid: TransactionID, subxid: TransactionID, abortLSN: LSN? = nil,
        abortTime: PostgresTimestamp? = nil
    ) {
        self.xid = xid
        self.subxid = subxid
        self.abortLSN = abortLSN
        self.abortTime = abortTime
    }

    init(_ cursor: inout ByteCursor, hasPosition: Bool) throws(DecodeError) {
        xid = try cursor.transactionID()
        subxid = try cursor.transactionID()
        abortLSN = hasPosition ? try cursor.lsn() : nil
        abortTime = hasPosition ? try cursor.timestamp() : nil
    }
}
