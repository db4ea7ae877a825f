// The messages around the changes of a transaction that has committed:
// Begin, perhaps Origin, the changes, Commit.
// Layouts: "Logical Replication Message Formats" in the PostgreSQL manual.

/// `B`: the changes of one committed transaction follow.
public struct BeginMessage: Sendable, Equatable {
    /// The final LSN of the transaction: start of its commit record, `commitLSN`.
    public var finalLSN: LSN
    /// By the source's clock.
    public var commitTime: PostgresTimestamp
    /// The transaction's number on the source.
    public var xid: TransactionID

    /// As it was sent.
    public init(finalLSN: LSN, commitTime: PostgresTimestamp, xid: TransactionID) {
        self.finalLSN = finalLSN
        self.commitTime = commitTime
        self.xid = xid
    }

    init(_ cursor: inout ByteCursor) throws(DecodeError) {
        finalLSN = try cursor.lsn()
        commitTime = try cursor.timestamp()
        xid = try cursor.transactionID()
    }
}

/// `C`: the transaction is complete.
public struct CommitMessage: Sendable, Equatable {
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
        flags: UInt8 = 0, commitLSN: LSN, endLSN: LSN, commitTime: PostgresTimestamp
    ) {
        self.flags = flags
        self.commitLSN = commitLSN
        self.endLSN = endLSN
        self.commitTime = commitTime
    }

    init(_ cursor: inout ByteCursor) throws(DecodeError) {
        flags = try cursor.flags(known: 0)
        commitLSN = try cursor.lsn()
        endLSN = try cursor.lsn()
        commitTime = try cursor.timestamp()
    }
}

/// `O`: the transaction came to the source by replication from elsewhere.
public struct OriginMessage: Sendable, Equatable {
    /// Where it committed on the origin server.
    public var lsn: LSN
    /// Of the replication origin.
    public var name: String

    /// As it was sent.
    public init(lsn: LSN, name: String) {
        self.lsn = lsn
        self.name = name
    }

    init(_ cursor: inout ByteCursor) throws(DecodeError) {
        lsn = try cursor.lsn()
        name = try cursor.string()
    }
}
