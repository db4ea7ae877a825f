extension TemporaryCluster {
    /// Runs `body` with a standby of this server that streams from it, and removes the standby.
    ///
    /// - Parameter name: Its `application_name`, for `synchronous_standby_names`.
    public func withStandby(
        _ name: String, do body: (TemporaryCluster) async throws -> Void
    ) async throws {
        let standby = try await TemporaryCluster(folderFor: version, options)
        do {
            try await standby.copy(of: self, as: name)
            try await standby.start()
            try await body(standby)
        } catch {
            try? await standby.remove()
            throw error
        }
        try await standby.remove()
    }

    /// Makes the data folder of a standby: all but where it listens is as on the primary.
    private func copy(of primary: TemporaryCluster, as name: String) async throws {
        try await installation.runAsServer(
            "pg_basebackup",
            arguments: [
                "-D", dataFolder, "-R", "-X", "stream", "-c", "fast", "--no-sync",
                "-d", "\(primary.conninfo()) application_name=\(name)",
            ])
        try appendConfiguration(["port": String(port), "unix_socket_directories": folder])
    }
}
