internal import LeatCore

/// What an applier was told about the target's own will: its triggers, its foreign keys, and rows
/// that are not what the source takes them for; and whether it may fold changes.
struct ApplyHandling: Sendable {
    var role: SyncConfiguration.Role
    /// What `--rename` says.
    var renames: RenameRules
    /// What `--mask` says.
    var masks: MaskRules
    var foldsChanges: Bool
    var conflicts: ConflictPolicies
    var showsValues: Bool
    var assumedZone: String?
    /// Whether owners of the target's tables may do what the role may.
    var trustsOwners: Bool
    /// Whether somebody watches over what the source's tables are.
    var notesTruncates: Bool

    init(
        _ settings: TargetSettings = TargetSettings(), foldsChanges: Bool = true,
        notesTruncates: Bool = false
    ) {
        role = settings.role
        renames = settings.renames
        masks = settings.masks
        conflicts = settings.conflicts
        showsValues = settings.showsValues
        assumedZone = settings.assumedZone
        trustsOwners = settings.trustsOwners
        self.foldsChanges = foldsChanges
        self.notesTruncates = notesTruncates
    }
}
