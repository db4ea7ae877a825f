internal import LeatCore
package import PGWire

/// What a sink has done with a batch.
package struct Applied: Sendable {
    /// The end of the last transaction that is committed now.
    package var end: LSN?
    /// Whether it is durable, and all before it.
    package var isDurable = false
    package var commitTime: PostgresTimestamp?
    package var transactions = 0
    package var changes = 0
    /// Resolved in what is committed now.
    package var conflicts: [ConflictCount] = []

    package init(
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
