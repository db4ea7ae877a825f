extension TemporaryCluster {
    private var keptFolder: String { "\(folder)/kept" }

    /// Stops the server as a crash does, keeps a copy of its disk, and starts it again: what a
    /// snapshot of the machine's volume holds.
    public func keepDisk() async throws {
        try await stop(mode: .immediate)
        try await installation.runAsServer("/bin/rm", arguments: ["-rf", keptFolder])
        try await installation.runAsServer("/bin/cp", arguments: ["-a", dataFolder, keptFolder])
        try await start()
    }

    /// Brings the server back to what ``keepDisk()`` has kept.
    public func restoreDisk() async throws {
        try await stop(mode: .immediate)
        try await installation.runAsServer("/bin/rm", arguments: ["-rf", dataFolder])
        try await installation.runAsServer("/bin/cp", arguments: ["-a", keptFolder, dataFolder])
        try await start()
    }
}
