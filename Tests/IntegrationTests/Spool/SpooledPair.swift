import Foundation
import LeatTestSupport
import Testing

/// `leat sync --spool` between the databases of a pair.
extension Pair {
    var spool: String { "\(LeatProcess.folder)/spool-\(database)" }

    /// Runs `body` with a pair whose target may be stopped, as its source.
    static func withOwnServers(
        target: TemporaryCluster.Options = .init(), schema: String, rows: String = "",
        _ body: (Pair) async throws -> Void
    ) async throws {
        async let first = TemporaryCluster.started(.v16, options: .init())
        async let second = TemporaryCluster.started(.v16, options: target)
        let servers = try await [first, second]
        do {
            try await Pair.with(servers[0], servers[1], schema: schema, rows: rows, body)
        } catch {
            for server in servers { try? await server.remove() }
            throw error
        }
        for server in servers { try await server.remove() }
    }

    /// - Parameter folder: Of the spool.
    func startSpooling(
        _ options: String..., at folder: String? = nil, failPoint: String? = nil
    ) throws -> LeatProcess {
        try LeatProcess(
            ["sync"] + places + ["--status-interval", "200ms", "--spool", folder ?? spool]
                + options,
            environment: failPoint.map { ["LEAT_FAILPOINT": $0] } ?? [:])
    }

    /// Runs `body` while the target's table cannot be written to.
    func whileTargetWaits(on table: String, _ body: () async throws -> Void) async throws {
        try await target.whileLocked(table, mode: "exclusive", in: database, body)
    }

    /// Waits until the slot is confirmed up to what is committed now.
    func waitUntilRecorded() async throws {
        let end = try await sourceValue("select pg_current_wal_insert_lsn()") ?? ""
        try await source.waitUntil(
            sql: """
                select confirmed_flush_lsn >= '\(end)' from pg_replication_slots
                where slot_name = '\(objectName)'
                """)
    }

    /// All bytes of the spool's segments.
    func spoolBytes() throws -> Int {
        let folder = spool + "/segments"
        return try FileManager.default.contentsOfDirectory(atPath: folder).reduce(0) { sum, name in
            let file = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
            return sum + (file[.size] as? Int ?? 0)
        }
    }
}
