import Foundation

/// Makes data folders by copying one made by `initdb` before, which takes tenths of a second
/// instead of seconds.
///
/// A copy would share its template's system identifier, by which Leat tells clusters apart. So each
/// gets its own: the first eight bytes of `pg_control` are replaced, and `pg_resetwal` makes the
/// checksum and the WAL agree.
actor ClusterTemplate {
    static let shared = ClusterTemplate()

    private var made: [String: Task<String, any Error>] = [:]

    /// Copies a fresh data folder to `path`.
    ///
    /// - Parameter initdbArguments: What shapes the template: encoding, locale and others.
    func makeDataFolder(
        at path: String, _ installation: PostgresInstallation, initdbArguments: [String]
    ) async throws {
        let template = try await template(for: installation, arguments: initdbArguments)
        try await installation.runAsServer("/bin/cp", arguments: ["-a", template, path])
        try giveOwnSystemIdentifier(dataFolder: path)
        try await installation.runAsServer("pg_resetwal", arguments: ["-f", "-D", path])
    }

    private func template(
        for installation: PostgresInstallation, arguments: [String]
    ) async throws -> String {
        let key = ([installation.binFolder] + arguments).joined(separator: "\n")
        // In flight or done: whoever comes second waits for the first.
        let task =
            made[key]
            ?? Task {
                let folder = try TemporaryFolder.make("leat-template")
                Watchdog.shared.whenGone("remove", folder)
                try giveToServer(folder)
                let basics = ["-D", "\(folder)/data", "-U", "postgres", "-A", "trust", "--no-sync"]
                try await installation.runAsServer("initdb", arguments: basics + arguments)
                return "\(folder)/data"
            }
        made[key] = task
        return try await task.value
    }

    private func giveOwnSystemIdentifier(dataFolder: String) throws {
        guard let control = FileHandle(forUpdatingAtPath: "\(dataFolder)/global/pg_control") else {
            throw TestSupportError("Cannot open pg_control in \(dataFolder)")
        }
        defer { try? control.close() }
        let identifier = UInt64.random(in: 1...UInt64(Int64.max))
        try control.write(contentsOf: withUnsafeBytes(of: identifier) { Data($0) })
    }
}
