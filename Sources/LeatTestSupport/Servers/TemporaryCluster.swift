import Foundation
import Synchronization

/// A PostgreSQL server of our own in a temporary folder: on a free port of 127.0.0.1 and a Unix
/// socket, ready for logical replication, superuser `postgres`, no passwords.
///
/// As root it runs as the user `postgres`. It does not outlive the test process, however that ends.
public final class TemporaryCluster: Sendable {
    /// What differs from the usual.
    public struct Options: Hashable, Sendable {
        /// Whether the server flushes its files: off by default, for speed. A crash of the *server*
        /// loses nothing either way, one of the machine would.
        public var fsync = false
        public var encoding = "UTF8"
        public var locale = "C"
        /// Where the server finds locales, instead of the machine's own: `LOCPATH`.
        public var localeFolder: String?
        /// More arguments for `initdb`, for example `--locale-provider=icu`.
        public var initdbArguments: [String] = []
        /// Server settings; they win over the usual ones.
        public var settings: [String: String] = [:]
        /// The lines of `pg_hba.conf`; by default everybody is trusted.
        public var hbaLines: [String] = []

        public init() {}
    }

    /// How a server is told to stop, as `pg_ctl` calls it.
    public enum StopMode: String, Sendable {
        /// Waits for clients to leave; walsenders included.
        case smart
        /// Ends sessions, lets walsenders send what is left, writes a checkpoint.
        case fast
        /// As a crash: no checkpoint, recovery at the next start.
        case immediate
    }

    public let installation: PostgresInstallation
    public let options: Options
    /// Holds everything of this server; also the folder of its Unix socket.
    public let folder: String
    private let portNumber: Mutex<Int>
    private let ticket: Watchdog.Ticket

    /// Makes a cluster; it is not started.
    public convenience init(
        _ version: PostgresVersion, options: Options = Options()
    ) async throws {
        try await self.init(folderFor: version, options)
        try await ClusterTemplate.shared.makeDataFolder(
            at: dataFolder, installation,
            initdbArguments: ["--encoding=\(options.encoding)", "--locale=\(options.locale)"]
                + options.initdbArguments)
        try writeConfiguration()
    }

    /// A folder and a port for a cluster whose data folder is still to be made.
    init(folderFor version: PostgresVersion, _ options: Options) async throws {
        installation = try await PostgresInstallation.find(version)
        self.options = options
        folder = try TemporaryFolder.make("leat-pg")
        ticket = Watchdog.shared.whenGone("stop", "\(folder)/data", folder)
        portNumber = Mutex(try FreePort.next())
        try giveToServer(folder)
    }

    /// Makes a cluster and starts it.
    public static func started(
        _ version: PostgresVersion, options: Options = Options()
    ) async throws -> TemporaryCluster {
        let cluster = try await TemporaryCluster(version, options: options)
        try await cluster.start()
        return cluster
    }

    public var version: PostgresVersion { installation.version }

    /// The same over restarts; only the first start may change it, when another process was faster.
    public var port: Int { portNumber.withLock { $0 } }

    var dataFolder: String { "\(folder)/data" }
    var logPath: String { "\(folder)/server.log" }

    /// All that the server has logged.
    public var log: String { text(ofFile: logPath) }

    /// Stops the server and removes its folder.
    public func remove() async throws {
        if postmasterID != nil { try await stop(mode: .immediate) }
        try FileManager.default.removeItem(atPath: folder)
        Watchdog.shared.drop(ticket)
    }

    /// Takes another port, because the one it had is in use.
    func changePort() throws {
        let port = try FreePort.next()
        portNumber.withLock { $0 = port }
        try appendConfiguration(["port": String(port)])
    }

    private func writeConfiguration() throws {
        var usual = [
            "port": String(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": folder,
            "wal_level": "logical",
            "max_wal_senders": "40",
            // Also the number of origins, before 18.
            "max_replication_slots": "200",
            "max_prepared_transactions": "10",
            "fsync": options.fsync ? "on" : "off",
            "full_page_writes": options.fsync ? "on" : "off",
            "shared_buffers": "64MB",
            "max_wal_size": "256MB",
            "timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%a %u@%d ",
            "log_replication_commands": "on",
        ]
        if version.rawValue >= 18 { usual["max_active_replication_origins"] = "200" }
        try appendConfiguration(usual.merging(options.settings) { $1 })
        if !options.hbaLines.isEmpty {
            let lines = options.hbaLines.joined(separator: "\n") + "\n"
            try write(Data(lines.utf8), to: "pg_hba.conf", truncating: true)
        }
    }

    /// Adds settings to `postgresql.conf`; the last line about a setting wins.
    func appendConfiguration(_ settings: [String: String]) throws {
        let lines = settings.sorted { $0.key < $1.key }.map { name, value in
            "\(name) = '\(value.replacing("'", with: "''"))'\n"
        }
        try write(Data("\n\(lines.joined())".utf8), to: "postgresql.conf", truncating: false)
    }

    private func write(_ data: Data, to name: String, truncating: Bool) throws {
        guard let file = FileHandle(forWritingAtPath: "\(dataFolder)/\(name)") else {
            throw TestSupportError("Cannot open \(name) of \(folder)")
        }
        defer { try? file.close() }
        if truncating { try file.truncate(atOffset: 0) } else { try file.seekToEnd() }
        try file.write(contentsOf: data)
    }
}
