import Foundation

/// The server versions that the tests run on.
public enum PostgresVersion: Int, CaseIterable, Sendable, CustomStringConvertible {
    case v15 = 15
    case v16 = 16
    case v18 = 18

    public var description: String { String(rawValue) }
}

/// The programs of one PostgreSQL version on this machine.
public struct PostgresInstallation: Hashable, Sendable {
    /// As asked for.
    public let version: PostgresVersion
    /// The folder of `postgres`, `psql` and the rest.
    public let binFolder: String
    /// What `postgres --version` says, with the minor version.
    public let fullVersion: String

    /// Finds a version.
    ///
    /// `LEAT_PG<version>_BIN` names its `bin` folder. Otherwise 15 is the distribution's (or what
    /// `pg_config` speaks of), 16 and 18 are in ``cacheFolder``, where `scripts/setup` put them.
    ///
    /// - Throws: ``TestSupportError`` when it is not there, or is another version.
    public static func find(_ version: PostgresVersion) async throws -> Self {
        for folder in try await candidates(version)
        where FileManager.default.isExecutableFile(atPath: "\(folder)/initdb") {
            let line = try await run("\(folder)/postgres", arguments: ["--version"])
            let fullVersion = line.split(separator: " ").dropFirst(2).joined(separator: " ")
            guard fullVersion.hasPrefix("\(version).") else { continue }
            return PostgresInstallation(
                version: version, binFolder: folder, fullVersion: fullVersion.trimmed)
        }
        throw TestSupportError(
            "PostgreSQL \(version) is not installed for the tests: run scripts/setup, or set "
                + "LEAT_PG\(version)_BIN to its bin folder")
    }

    /// Where `scripts/setup` keeps servers that the distribution does not have: `LEAT_POSTGRES_DIR`,
    /// else a folder of the user's cache; for root one that the user `postgres` can read.
    public static var cacheFolder: String {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["LEAT_POSTGRES_DIR"], !folder.isEmpty { return folder }
        if getuid() == 0 { return "/var/cache/leat/postgres" }
        if let folder = environment["XDG_CACHE_HOME"], !folder.isEmpty {
            return "\(folder)/leat/postgres"
        }
        return "\(environment["HOME"] ?? "")/.cache/leat/postgres"
    }

    private static func candidates(_ version: PostgresVersion) async throws -> [String] {
        let variable = "LEAT_PG\(version)_BIN"
        if let folder = ProcessInfo.processInfo.environment[variable], !folder.isEmpty {
            return [folder]
        }
        switch version {
        case .v15:
            let configured = try? await run("pg_config", arguments: ["--bindir"])
            return ["/usr/lib/postgresql/15/bin"] + (configured.map { [$0.trimmed] } ?? [])
        case .v16:
            return ["\(cacheFolder)/pginstall/bin"]
        case .v18:
            return ["\(cacheFolder)/pginstall18/bin"]
        }
    }

    /// The path of one of its programs.
    public func program(_ name: String) -> String { "\(binFolder)/\(name)" }

    /// Runs a program that refuses to be root: as root it becomes the user `postgres`.
    @discardableResult
    func runAsServer(
        _ program: String, arguments: [String], timeout: Duration = .patience
    ) async throws -> String {
        let command = [program.contains("/") ? program : self.program(program)] + arguments
        guard getuid() == 0 else {
            return try await run(command[0], arguments: arguments, timeout: timeout)
        }
        let asPostgres = ["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]
        return try await run("setpriv", arguments: asPostgres + command, timeout: timeout)
    }
}

/// Gives a file to the server's user; nothing to do unless we are root.
func giveToServer(_ path: String) throws {
    guard getuid() == 0 else { return }
    guard let user = getpwnam("postgres") else {
        throw TestSupportError("There is no user postgres for the servers: run scripts/setup")
    }
    guard chown(path, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
        throw TestSupportError("Cannot give \(path) to postgres: \(errnoText())")
    }
}

extension String {
    var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
