public import LeatCore
public import PGClient

/// Where changes are applied and how, wherever they come from.
public protocol TargetConfiguration: Sendable {
    var target: Conninfo { get }
    /// Tables are emptied before they are copied.
    var truncatesTables: Bool { get set }
    var copyJobs: Int { get set }
    var role: SyncConfiguration.Role { get set }
    var conflicts: ConflictPolicies { get set }
    /// Whether messages and `leat.conflicts` may hold the values of keys.
    var showsValues: Bool { get set }
    /// In which zone values without one are read where the target's column has one; nil: that of
    /// the stream's first start, which is the one that the target gives the role's sessions.
    var assumedZone: String? { get set }
    /// Whether code that owners of the target's tables have attached may run with the role's rights.
    var trustsOwners: Bool { get set }
    /// A connection whose server owes an answer for so long is given up; nil: never.
    var answerTimeout: Duration? { get set }
}

extension SyncConfiguration: TargetConfiguration {}
