import Foundation
import LeatTestSupport
import Testing

/// A database on each of two servers, both of the same name, and a stream between them.
///
/// The servers are shared, so a pair leaves nothing behind: its processes are killed, its slots,
/// origins and databases dropped.
final class Pair: Sendable {
    /// The versions of both servers.
    struct Versions: Sendable, CustomStringConvertible {
        var source: PostgresVersion
        var target: PostgresVersion

        init(_ source: PostgresVersion, _ target: PostgresVersion) {
            self.source = source
            self.target = target
        }

        var description: String { "\(source) to \(target)" }

        static let same = PostgresVersion.allCases.map { Versions($0, $0) }
        static let all = PostgresVersion.allCases.flatMap { source in
            PostgresVersion.allCases.map { Versions(source, $0) }
        }
    }

    /// What a process that has ended said.
    struct Outcome: Sendable {
        var exitCode: Int32
        var output: String
        var log: String

        /// Everything that anybody could read.
        var text: String { output + log }
    }

    let source: TemporaryCluster
    let target: TemporaryCluster
    /// Also the name of the stream.
    let database: String

    private init(_ source: TemporaryCluster, _ target: TemporaryCluster) {
        self.source = source
        self.target = target
        database = "db_\(UInt32.random(in: 0...UInt32.max))"
    }

    /// Runs `body` with a pair on the shared servers.
    ///
    /// - Parameters:
    ///   - schema: SQL that is run on both sides first.
    ///   - rows: SQL that is run on the source after it.
    ///   - options: More of `create database` for each side.
    ///   - first: Whether it comes before the others that wait for the servers.
    static func with(
        _ versions: Versions = Versions(.v16, .v16), schema: String = "", rows: String = "",
        options: (source: String, target: String) = ("", ""), first: Bool = false,
        _ body: (Pair) async throws -> Void
    ) async throws {
        try await with(
            ClusterPool.shared.cluster(versions.source, as: .source),
            ClusterPool.shared.cluster(versions.target, as: .target), schema: schema, rows: rows,
            options: options, first: first, body)
    }

    /// Runs `body` with a pair on these servers.
    static func with(
        _ source: TemporaryCluster, _ target: TemporaryCluster, schema: String = "",
        rows: String = "", options: (source: String, target: String) = ("", ""),
        first: Bool = false, _ body: (Pair) async throws -> Void
    ) async throws {
        let pass = await Turnstile.pairs.pass(first: first)
        defer { withExtendedLifetime(pass) {} }
        let (pair, journal) = (Pair(source, target), ProcessJournal())
        do {
            try await pair.create(schema, rows, options)
            try await journal.keeping { try await body(pair) }
        } catch {
            Issue.record("\(error)\n\(journal.lastWords)")
            await pair.remove()
            throw error
        }
        await pair.remove()
    }

    private func create(
        _ schema: String, _ rows: String, _ options: (source: String, target: String)
    ) async throws {
        _ = try await source.createDatabase(database, options: options.source)
        _ = try await target.createDatabase(database, options: options.target)
        try await both(schema)
        try await onSource(rows)
    }

    /// A process that the test still holds is ended with its sessions.
    private func remove() async {
        for server in [source, target] {
            _ = try? await server.sql(
                """
                select pg_terminate_backend(pid, 5000) from pg_stat_activity
                where datname = '\(database)' and pid <> pg_backend_pid()
                """)
            _ = try? await server.sql(
                """
                select pg_drop_replication_slot(slot_name) from pg_replication_slots
                where database = '\(database)' and not temporary
                """)
            _ = try? await server.sql(
                """
                select pg_replication_origin_drop(roname) from pg_replication_origin
                where roname ~ ('_' || (select oid from pg_database
                  where datname = '\(database)') || '(_(copy|side)[0-9]+)?$')
                """)
            _ = try? await server.sql("drop database if exists \(database) with (force)")
        }
        for folder in [stateDirectory, archive, spool] {
            try? FileManager.default.removeItem(atPath: folder)
        }
    }

    // MARK: SQL

    var stream: String { database }
    /// Of slot and publication, unless told otherwise.
    var objectName: String { "leat_\(stream)" }
    var stateDirectory: String { "\(LeatProcess.folder)/state-\(database)" }

    /// Runs SQL on both sides.
    func both(_ sql: String) async throws {
        guard !sql.isEmpty else { return }
        try await source.sql(sql, database: database)
        try await target.sql(sql, database: database)
    }

    @discardableResult
    func onSource(_ sql: String) async throws -> [[String?]] {
        guard !sql.isEmpty else { return [] }
        return try await source.sql(sql, database: database)
    }

    @discardableResult
    func onTarget(_ sql: String) async throws -> [[String?]] {
        try await target.sql(sql, database: database)
    }

    func sourceValue(_ sql: String) async throws -> String? {
        try await source.scalar(sql, database: database)
    }

    func targetValue(_ sql: String) async throws -> String? {
        try await target.scalar(sql, database: database)
    }

    // MARK: leat

    /// `--source`, `--target`, `--stream` and `--state-dir`.
    var places: [String] {
        [
            "--source", source.conninfo(database: database),
            "--target", target.conninfo(database: database),
            "--stream", stream, "--state-dir", stateDirectory,
        ]
    }

    /// Starts `leat sync` with short intervals.
    func start(_ options: String...) throws -> LeatProcess {
        try LeatProcess(["sync"] + places + ["--status-interval", "200ms"] + options)
    }

    /// Runs `leat sync` to its end.
    func sync(_ options: String..., timeout: Duration = .patience) async throws -> Outcome {
        try await leat(
            ["sync"] + places + ["--status-interval", "200ms"] + options, timeout: timeout)
    }

    /// Runs `leat` to its end.
    func leat(
        _ arguments: [String], environment: [String: String] = [:],
        timeout: Duration = .patience
    ) async throws -> Outcome {
        let (code, output, log) = try await LeatProcess.run(
            arguments, environment: environment, timeout: timeout)
        return Outcome(exitCode: code, output: output, log: log)
    }

    /// Brings the target to this moment of the source, and ends.
    func catchUp(_ options: String...) async throws {
        try await catchUp(options: options)
    }

    func catchUp(options: [String]) async throws {
        let outcome = try await leat(
            ["sync"] + places + ["--status-interval", "200ms", "--endpos", "now"] + options)
        guard outcome.exitCode == 0 else {
            throw TestSupportError("leat ended with \(outcome.exitCode)\n\(outcome.log)")
        }
    }

    /// The stream's, which has no reader any more: its walsender may need a moment to see that.
    func dropSlot() async throws {
        let slot = "pg_replication_slots where slot_name = '\(objectName)'"
        try await source.waitUntil(sql: "select not active from \(slot)")
        try await source.sql("select pg_drop_replication_slot(slot_name) from \(slot)")
    }

    /// Waits until the stream flows.
    func waitForStream(_ leat: LeatProcess) async throws {
        try await leat.waitForOutput(containing: "streaming position=")
    }

    /// Waits until all that is committed on the source now is on the target.
    func waitUntilApplied(timeout: Duration = .patience) async throws {
        let end = try await sourceValue("select pg_current_wal_flush_lsn()") ?? ""
        try await target.waitUntil(
            sql: "select end_lsn >= '\(end)' from leat.progress where stream = '\(stream)'",
            database: database, timeout: timeout)
    }

    // MARK: The judge

    /// Both sides hold the same rows, and each exactly as often.
    func expectEqual(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let left = try await source.databaseHash(database)
        let right = try await target.databaseHash(database)
        #expect(left == right, sourceLocation: sourceLocation)
        #expect(left.values.contains { $0.rows > 0 }, sourceLocation: sourceLocation)
    }

    /// What a refused start must not have changed: slots and publications, streams, rows.
    func traces() async throws -> [String] {
        let slots = try await source.sql(
            "select slot_name from pg_replication_slots where database = '\(database)' order by 1")
        let publications = try await onSource("select pubname from pg_publication order by 1")
        let hasLeat = try await targetValue("select to_regclass('leat.progress') is not null")
        let streams =
            hasLeat == "t"
            ? try await onTarget("select stream, state, end_lsn, publications from leat.progress")
            : []
        let rows = try await target.databaseHash(database)
        return (slots + publications + streams).map { row in
            row.map { $0 ?? "NULL" }.joined(separator: " ")
        } + rows.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    }

    /// Expects that `leat sync` with these options ends with `code`, says all of `words`, and
    /// leaves everything as it was.
    @discardableResult
    func expectRefusal(
        _ code: Int32, _ words: String..., options: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Outcome {
        let before = try await traces()
        let outcome = try await leat(["sync"] + places + options)
        #expect(outcome.exitCode == code, "\(outcome.log)", sourceLocation: sourceLocation)
        for word in words {
            #expect(outcome.log.contains(word), sourceLocation: sourceLocation)
        }
        #expect(try await traces() == before, sourceLocation: sourceLocation)
        return outcome
    }
}
