internal import LeatCore
public import PGWire

/// What a sink has done with a batch.
public struct Applied: Sendable {
    /// The end of the last transaction that is committed now.
    public var end: LSN?
    /// Whether it is durable, and all before it.
    public var isDurable = false
    /// When the source committed the last of them, by its clock; nil: none was committed, or it has no time.
    public var commitTime: PostgresTimestamp?
    /// Whole transactions that are committed now.
    public var transactions = 0
    /// Changes that the sink took, of transactions that may not be whole yet too.
    public var changes = 0
    /// Resolved in what is committed now.
    public var conflicts: [ConflictCount] = []

    /// By default: nothing was done.
    public init(
        end: LSN? = nil, isDurable: Bool = false, commitTime: PostgresTimestamp? = nil,
        transactions: Int = 0, changes: Int = 0, conflicts: [ConflictCount] = []
    ) {
        self.end = end
        self.isDurable = isDurable
        self.commitTime = commitTime
        self.transactions = transactions
        self.changes = changes
        self.conflicts = conflicts
    }
}
