internal import LeatCore

/// What an applier was told about the target's own will: its triggers, its foreign keys, and rows
/// that are not what the source takes them for; and whether it may fold changes.
struct ApplyHandling: Sendable {
    var role = SyncConfiguration.Role.auto
    var foldsChanges = true
    var conflicts = ConflictPolicies()
    var showsValues = false
    var assumedZone: String?
    /// Whether owners of the target's tables may do what the role may.
    var trustsOwners = false
    /// Whether somebody watches over what the source's tables are.
    var notesTruncates = false
}
