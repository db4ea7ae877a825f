public import ArgumentParser
public import LeatEngine

extension SyncConfiguration.Binary: ExpressibleByArgument {}
extension SyncConfiguration.Origin: ExpressibleByArgument {}
