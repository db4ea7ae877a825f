package import LeatCore
package import PGWire

/// Resolved conflicts of one table and kind, for a line of the log.
package struct ConflictCount: Sendable, Hashable {
    package var table: String
    package var kind: ConflictKind
    package var policy: ConflictPolicy
    package var firstLSN: LSN
    package var count: Int

    package init(
        table: String, kind: ConflictKind, policy: ConflictPolicy, firstLSN: LSN, count: Int
    ) {
        self.table = table
        self.kind = kind
        self.policy = policy
        self.firstLSN = firstLSN
        self.count = count
    }
}
