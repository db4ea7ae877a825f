public import LeatCore
public import PGWire

/// A committed transaction that waits in a slot, and how much of what is in it.
public struct PeekedTransaction: Sendable, Equatable {
    public var xid: TransactionID
    /// Start of the commit record. The server skips the transaction once the slot is confirmed
    /// beyond it.
    public var commitLSN: LSN
    /// Just past the commit record; zero as long as the transaction is being read.
    public var endLSN: LSN
    public var commitTime: PostgresTimestamp
    /// The replication origin that the source's session worked under, if any.
    public var origin: String?
    /// Came while it was in progress, as large ones do.
    public var isStreamed: Bool
    /// By table, in the order of their first change; empty if it has none for the publication,
    /// or none that is looked for.
    public var changes: [PeekedChanges]

    public init(
        xid: TransactionID, commitLSN: LSN, endLSN: LSN = .zero, commitTime: PostgresTimestamp,
        origin: String? = nil, isStreamed: Bool = false, changes: [PeekedChanges] = []
    ) {
        self.xid = xid
        self.commitLSN = commitLSN
        self.endLSN = endLSN
        self.commitTime = commitTime
        self.origin = origin
        self.isStreamed = isStreamed
        self.changes = changes
    }

    /// Changes to rows, truncates and messages, of all tables.
    public var total: ChangeTally {
        changes.reduce(into: ChangeTally()) { $0 += $1.total }
    }
}

/// A transaction of which changes came, and no commit: rolled back, or still in progress.
public struct UncommittedTransaction: Sendable, Equatable {
    public var xid: TransactionID
    public var changes: [PeekedChanges]

    public init(xid: TransactionID, changes: [PeekedChanges]) {
        self.xid = xid
        self.changes = changes
    }

    public var total: ChangeTally {
        changes.reduce(into: ChangeTally()) { $0 += $1.total }
    }
}

/// One change with its values.
public struct PeekedChange: Sendable, Equatable {
    public enum Value: Sendable, Equatable {
        case null
        /// Large, not changed, and therefore not sent.
        case unchangedTOAST
        /// What is not UTF-8 is replaced.
        case text(String)
    }

    public struct Column: Sendable, Equatable {
        public var name: String
        public var value: Value

        public init(name: String, value: Value) {
            self.name = name
            self.value = value
        }
    }

    public enum Content: Sendable, Equatable {
        case insert(TableName, new: [Column])
        /// - Parameter old: The identity's columns if they changed, or all under FULL.
        case update(TableName, old: [Column], new: [Column])
        case delete(TableName, old: [Column])
        case truncate([TableName], cascade: Bool, restartIdentity: Bool)
        case message(prefix: String, content: [UInt8], isTransactional: Bool)
    }

    /// Where the change's WAL record begins.
    public var lsn: LSN
    public var content: Content

    public init(lsn: LSN, content: Content) {
        self.lsn = lsn
        self.content = content
    }
}
