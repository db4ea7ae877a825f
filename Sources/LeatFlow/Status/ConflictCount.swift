public import LeatCore
public import PGWire

/// Resolved conflicts of one table and kind, for a line of the log.
public struct ConflictCount: Sendable, Hashable {
    /// The name on the source, as `schema.name`.
    public var table: String
    /// What was met.
    public var kind: ConflictKind
    /// How it was resolved.
    public var policy: ConflictPolicy
    /// Of the first of them: where its transaction commits on the source.
    public var firstLSN: LSN
    /// How many there were.
    public var count: Int

    /// So many of one table and kind.
    public init(
        table: String, kind: ConflictKind, policy: ConflictPolicy, firstLSN: LSN, count: Int
    ) {
        self.table = table
        self.kind = kind
        self.policy = policy
        self.firstLSN = firstLSN
        self.count = count
    }
}
