public import PGClient

/// What applies changes to a target, with the settings that are the same wherever they come from.
public protocol TargetConfiguration: Sendable {
    var target: Conninfo { get }
    var applying: TargetSettings { get set }
}

extension SyncConfiguration: TargetConfiguration {}
