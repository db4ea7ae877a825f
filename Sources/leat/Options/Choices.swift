public import ArgumentParser
public import LeatCore
public import LeatAdmin
internal import LeatEngine

enum Switch: String, ExpressibleByArgument, CaseIterable {
    case on, off

    var isOn: Bool { self == .on }
}

extension SyncConfiguration.Binary: ExpressibleByArgument {}
extension ConflictKind: ExpressibleByArgument {}
extension SyncConfiguration.Origin: ExpressibleByArgument {}
extension SyncConfiguration.Role: ExpressibleByArgument {}
extension SyncConfiguration.Rewrite: ExpressibleByArgument {}

extension LagThreshold: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
