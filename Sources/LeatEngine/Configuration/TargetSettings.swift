public import LeatCore

/// How changes are applied, wherever they come from.
public struct TargetSettings: Sendable {
    /// Tables are emptied before they are copied.
    public var truncatesTables = false
    public var copyJobs = 2
    /// What tables, sequences and columns are called on the target.
    public var renames = RenameRules()
    /// Which columns are masked on the way.
    public var masks = MaskRules()
    public var role = SyncConfiguration.Role.auto
    public var conflicts = ConflictPolicies()
    /// Whether messages and `leat.conflicts` may hold the values of keys.
    public var showsValues = false
    /// In which zone values without one are read where the target's column has one; nil: that of
    /// the stream's first start, which is the one that the target gives the role's sessions.
    public var assumedZone: String?
    /// Whether code that owners of the target's tables have attached may run with the role's rights.
    public var trustsOwners = false
    /// A connection whose server owes an answer for so long is given up; nil: never.
    public var answerTimeout: Duration?

    public init() {}
}
