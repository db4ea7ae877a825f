// The messages of two-phase commit (protocol version 3). Leat creates no slot
// that sends them, but a slot made with TWO_PHASE sends them even unasked, and
// the error should then name them.
// Layouts: "Logical Replication Message Formats" in the PostgreSQL manual.

/// `b`: the changes of one prepared transaction follow.
public struct BeginPrepareMessage: Sendable, Equatable {
    /// Start of the prepare record.
    public var prepareLSN: LSN
    /// Just past the prepare record.
    public var endLSN: LSN
    /// By the source's clock.
    public var prepareTime: PostgresTimestamp
    /// The transaction's number on the source.
    public var xid: TransactionID
    /// The name that PREPARE TRANSACTION gave.
    public var gid: String

    /// As it was sent.
    public init(
        prepareLSN: LSN, endLSN: LSN, prepareTime: PostgresTimestamp, xid: TransactionID,
        gid: String
    ) {
        self.prepareLSN = prepareLSN
        self.endLSN = endLSN
        self.prepareTime = prepareTime
        self.xid = xid
        self.gid = gid
    }

    init(_ cursor: inout ByteCursor) throws(DecodeError) {
        prepareLSN = try cursor.lsn()
        endLSN = try cursor.lsn()
        prepareTime = try cursor.timestamp()
        xid = try cursor.transactionID()
        gid = try cursor.string()
    }
}

/// `P`, or `p` if the transaction was streamed: it is prepared.
public struct PrepareMessage: Sendable, Equatable {
    /// Unused, always 0.
    public var flags: UInt8
    /// Start of the prepare record.
    public var prepareLSN: LSN
    /// Just past the prepare record.
    public var endLSN: LSN
    /// By the source's clock.
    public var prepareTime: PostgresTimestamp
    /// The transaction's number on the source.
    public var xid: TransactionID
    /// The name that PREPARE TRANSACTION gave.
    public var gid: String

    /// As it was sent.
    public init(
        flags: UInt8 = 0, prepareLSN: LSN, endLSN: LSN, prepareTime: PostgresTimestamp,
        xid: TransactionID, gid: String
    ) {
        self.flags = flags
        self.prepareLSN = prepareLSN
        self.endLSN = endLSN
        self.prepareTime = prepareTime
        self.xid = xid
        self.gid = gid
    }

    init(_ cursor: inout ByteCursor) throws(DecodeError) {
        flags = try cursor.flags(known: 0)
        prepareLSN = try cursor.lsn()
        endLSN = try cursor.lsn()
        prepareTime = try cursor.timestamp()
        xid = try cursor.transactionID()
        gid = try cursor.string()
    }
}

/// `K`: COMMIT PREPARED.
public struct CommitPreparedMessage: Sendable, Equatable {
    /// Unused, always 0.
    public var flags: UInt8
    /// Start of the commit record.
    public var commitLSN: LSN
    /// Just past the commit record.
    public var endLSN: LSN
    /// By the source's clock.
    public var commitTime: PostgresTimestamp
    /// The transaction's number on the source.
    public var xid: TransactionID
    /// The name that PREPARE TRANSACTION gave.
    public var gid: String

    /// As it was sent.
    public init(
        flags: UInt8 = 0, commitLSN: LSN, endLSN: LSN, commitTime: PostgresTimestamp,
        xid: TransactionID, gid: String
    ) {
        self.flags = flags
        self.commitLSN = commitLSN
        self.endLSN = endLSN
        self.commitTime = commitTime
        self.xid = xid
        self.gid = gid
    }

    init(_ cursor: inout ByteCursor) throws(DecodeError) {
        flags = try cursor.flags(known: 0)
        commitLSN = try cursor.lsn()
        endLSN = try cursor.lsn()
        commitTime = try cursor.timestamp()
        xid = try cursor.transactionID()
        gid = try cursor.string()
    }
}

/// `r`: ROLLBACK PREPARED.
public struct RollbackPreparedMessage: Sendable, Equatable {
    /// Unused, always 0.
    public var flags: UInt8
    /// Just past the prepare record.
    public var prepareEndLSN: LSN
    /// Just past the rollback record.
    public var rollbackEndLSN: LSN
    /// When it was prepared, by the source's clock.
    public var prepareTime: PostgresTimestamp
    /// When it was rolled back, by the source's clock.
    public var rollbackTime: PostgresTimestamp
    /// The transaction's number on the source.
    public var xid: TransactionID
    /// The name that PREPARE TRANSACTION gave.
    public var gid: String

    /// As it was sent.
    public init(
        flags: UInt8 = 0, prepareEndLSN: LSN, rollbackEndLSN: LSN,
        prepareTime: PostgresTimestamp, rollbackTime: PostgresTimestamp, xid: TransactionID,
        gid: String
    ) {
        self.flags = flags
        self.prepareEndLSN = prepareEndLSN
        self.rollbackEndLSN = rollbackEndLSN
        self.prepareTime = prepareTime
        self.rollbackTime = rollbackTime
        self.xid = xid
        self.gid = gid
    }

    init(_ cursor: inout ByteCursor) throws(DecodeError) {
        flags = try cursor.flags(known: 0)
        prepareEndLSN = try cursor.lsn()
        rollbackEndLSN = try cursor.lsn()
        prepareTime = try cursor.timestamp()
        rollbackTime = try cursor.timestamp()
        xid = try cursor.transactionID()
        gid = try cursor.string()
    }
}
