// The messages that are changes without being rows.
// Layouts: "Logical Replication Message Formats" in the PostgreSQL manual.

/// `T`: tables were emptied together.
public struct TruncateMessage: Sendable, Equatable {
    /// The subtransaction; streamed messages only.
    public var xid: TransactionID?
    /// The tables that were emptied, as their Relation messages name them.
    public var relationIDs: [RelationID]
    /// CASCADE was said.
    public var cascade: Bool
    /// RESTART IDENTITY was said: sequences of the tables begin anew.
    public var restartIdentity: Bool

    /// As it was sent.
    public init(
        xid: TransactionID? = nil, relationIDs: [RelationID], cascade: Bool = false,
        restartIdentity: Bool = false
    ) {
        self.xid = xid
        self.relationIDs = relationIDs
        self.cascade = cascade
        self.restartIdentity = restartIdentity
    }

    init(_ cursor: inout ByteCursor, xid: TransactionID?) throws(DecodeError) {
        self.xid = xid
        let count = try cursor.count(Int32.self, minimumBytes: 4)
        let options = try cursor.flags(known: 3)
        cascade = options & 1 != 0
        restartIdentity = options & 2 != 0
        relationIDs = []
        relationIDs.reserveCapacity(count)
        for _ in 0..<count { relationIDs.append(try cursor.relationID()) }
    }
}

/// `M`: what `pg_logical_emit_message` wrote.
public struct LogicalDecodingMessage: Sendable, Equatable {
    /// The subtransaction; streamed messages only.
    public var xid: TransactionID?
    /// Whether it belongs to a transaction; if not, it stands outside of any.
    public var isTransactional: Bool
    /// Where the message stands in the WAL: the end of its record.
    public var lsn: LSN
    /// What its writer named it by.
    public var prefix: String
    /// Any bytes: what its writer put there.
    public var content: [UInt8]

    /// As it was sent.
    public init(
        xid: TransactionID? = nil, isTransactional: Bool, lsn: LSN, prefix: String,
        content: [UInt8]
    ) {
        self.xid = xid
        self.isTransactional = isTransactional
        self.lsn = lsn
        self.prefix = prefix
        self.content = content
    }

    init(_ cursor: inout ByteCursor, xid: TransactionID?) throws(DecodeError) {
        self.xid = xid
        isTransactional = try cursor.flags(known: 1) == 1
        lsn = try cursor.lsn()
        prefix = try cursor.string()
        content = try cursor.bytes(try cursor.count(Int32.self, minimumBytes: 1))
    }
}
