internal import LeatCore
internal import PGWire

/// Resolved conflicts of one table and kind, for a line of the log.
struct ConflictCount: Sendable, Hashable {
    var table: String
    var kind: ConflictKind
    var policy: ConflictPolicy
    var firstLSN: LSN
    var count: Int
}
