import Foundation
import LeatTestSupport
import Testing

/// A server that no other test uses meanwhile: what others do on a shared one would show in its
/// slots.
final class SlotServer: Sendable {
    let cluster: TemporaryCluster
    let database = "shop"
    var version: PostgresVersion { cluster.version }

    private init(_ cluster: TemporaryCluster) {
        self.cluster = cluster
    }

    /// - Parameter keep: `max_slot_wal_keep_size`.
    static func with(
        _ version: PostgresVersion, keep: String = "-1", _ body: (SlotServer) async throws -> Void
    ) async throws {
        let pass = await Turnstile.faults.pass()
        defer { withExtendedLifetime(pass) {} }
        let cluster = try await SlotServers.shared.take(version)
        do {
            try await cluster.configure(["max_slot_wal_keep_size": keep])
            try await cluster.waitUntil(sql: "show max_slot_wal_keep_size", equals: keep)
            try await cluster.createDatabase("shop")
            try await body(SlotServer(cluster))
            try await clear(cluster)
        } catch {
            try? await cluster.remove()
            await SlotServers.shared.lost()
            throw error
        }
        await SlotServers.shared.give(cluster)
    }

    /// For the next test.
    private static func clear(_ cluster: TemporaryCluster) async throws {
        try await cluster.sql(
            """
            select pg_terminate_backend(pid, 10000) from pg_stat_activity
            where pid <> pg_backend_pid() and backend_type in ('client backend', 'walsender')
            """)
        try await cluster.sql(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots")
        for name in ["shop", "copy"] {
            try await cluster.sql("drop database if exists \(name) with (force)")
        }
        try await cluster.sql(
            """
            do $$ declare name text; begin
              for name in select rolname from pg_roles where rolname in ('plain', 'repl') loop
                execute format('drop role %I', name);
              end loop;
            end $$
            """)
    }

    /// `--source` for a role.
    func source(_ user: String = "postgres", database: String? = nil) -> [String] {
        ["--source", cluster.conninfo(database: database ?? self.database, user: user)]
    }

    @discardableResult
    func sql(_ text: String) async throws -> [[String?]] {
        try await cluster.sql(text, database: database)
    }

    func value(_ text: String) async throws -> String? {
        try await cluster.scalar(text, database: database)
    }

    /// `leat slot ...` to its end.
    func slot(
        _ arguments: String..., user: String = "postgres", more: [String] = []
    ) async throws -> Pair.Outcome {
        try await slot(arguments + source(user) + more)
    }

    func slot(_ arguments: [String]) async throws -> Pair.Outcome {
        let (code, output, log) = try await LeatProcess.run(["slot"] + arguments)
        return Pair.Outcome(exitCode: code, output: output, log: log)
    }

    /// Names, positions and what they hold back: what nothing that only looks may change.
    func positions() async throws -> [String] {
        try await sql(
            """
            select slot_name, restart_lsn, confirmed_flush_lsn, xmin, catalog_xmin
            from pg_replication_slots order by 1
            """
        ).map { $0.map { $0 ?? "NULL" }.joined(separator: " ") }
    }

    func names() async throws -> [String] {
        try await sql("select slot_name from pg_replication_slots order by 1").map { $0[0] ?? "" }
    }

    /// Writes so many MiB of WAL that no table is in.
    func writeWAL(_ mebibytes: Int) async throws {
        try await cluster.run(
            script: """
                select pg_logical_emit_message(false, 'fill', repeat('x', 1048576))
                from generate_series(1, \(mebibytes)) \\g /dev/null
                -- Flushed only with a commit.
                select pg_logical_emit_message(true, 'end', '') \\g /dev/null
                """, database: database)
    }

    /// A transaction with an ID, open until `end` is called.
    func openTransaction(
        _ query: String = "perform 'SECRET', 4711"
    ) async throws -> (pid: String, end: () async throws -> Void) {
        let gate = "gate_\(UInt32.random(in: 0...UInt32.max))"
        try await sql("create table \(gate) (opened int)")
        let task = Task {
            try await self.sql(
                """
                do $$ begin
                  perform pg_current_xact_id(); \(query);
                  while not exists (select from \(gate)) loop perform pg_sleep(0.02); end loop;
                end $$
                """)
        }
        let found = "query like '%' || '\(gate)) loop%' and backend_xid is not null"
        try await cluster.waitUntil(
            sql: "select exists (select from pg_stat_activity where \(found))")
        let pid = try await value("select pid from pg_stat_activity where \(found)") ?? "?"
        return (
            pid,
            {
                try await self.sql("insert into \(gate) values (1)")
                _ = try await task.value
            }
        )
    }
}

/// A slot of `leat slot list --json`.
struct ListedSlot: Decodable {
    struct Finding: Decodable { var level: String, kind: String, message: String, advice: String? }
    struct Holder: Decodable {
        var pid: Int, application: String?, role: String?, client: String?, since: String?
    }
    struct Statistics: Decodable { var total_txns: Int, spill_txns: Int, stream_txns: Int }
    struct Stream: Decodable { var name: String, position: String, lag_bytes: Int }

    var name: String, level: String, findings: [Finding], exists: Bool
    var type: String?, plugin: String?, database: String?
    var is_temporary: Bool?, is_active: Bool?, holder: Holder?
    var restart_lsn: String?, confirmed_flush_lsn: String?
    var retained_bytes: Int?, retained_share: Double?, safe_wal_bytes: Int?, lag_bytes: Int?
    var wal_status: String?, invalidation_reason: String?
    var catalog_xmin: String?, catalog_xmin_age: Int?
    var is_two_phase: Bool?, is_failover: Bool?, is_synced: Bool?, inactive_since: String?
    var statistics: Statistics?, stream: Stream?

    static func decode(_ text: String) throws -> [ListedSlot] {
        try JSONDecoder().decode([ListedSlot].self, from: Data(text.utf8))
    }
}

/// A few servers, one test each at a time.
private actor SlotServers {
    static let shared = SlotServers()

    private var free = 3
    private var idle: [TemporaryCluster] = []
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take(_ version: PostgresVersion) async throws -> TemporaryCluster {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
        if let index = idle.firstIndex(where: { $0.version == version }) {
            return idle.remove(at: index)
        }
        var options = TemporaryCluster.Options()
        options.settings = [
            "min_wal_size": "32MB", "max_wal_size": "32MB", "shared_buffers": "16MB",
        ]
        do {
            return try await TemporaryCluster.started(version, options: options)
        } catch {
            lost()
            throw error
        }
    }

    func give(_ cluster: TemporaryCluster) {
        idle.append(cluster)
        lost()
    }

    /// One that does not come back.
    func lost() {
        guard waiting.isEmpty else { return waiting.removeFirst().resume() }
        free += 1
    }
}
