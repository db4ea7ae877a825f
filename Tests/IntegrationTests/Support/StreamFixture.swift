import LeatTestSupport
import Synchronization
import Testing

/// A database on each of two servers, and the `leat` that makes the one like the other.
///
/// Database and stream have one name, which no other test has. What both hold is judged by SQL.
final class StreamFixture: Sendable {
    let source: TemporaryCluster
    let target: TemporaryCluster
    let database: String
    private let process = Mutex<LeatProcess?>(nil)
    private let sharesServers: Bool
    private let pass: Turnstile.Pass

    /// Databases on the shared servers, which must not be stopped or suspended.
    ///
    /// - Parameter tables: SQL that creates the tables, for both sides.
    convenience init(
        _ sourceVersion: PostgresVersion = .v15, to targetVersion: PostgresVersion? = nil,
        tables: String
    ) async throws {
        let pass = await Turnstile.faults.pass()
        try await self.init(
            from: ClusterPool.shared.cluster(sourceVersion, as: .source),
            to: ClusterPool.shared.cluster(targetVersion ?? sourceVersion, as: .target),
            tables: tables, sharesServers: true, pass)
    }

    private init(
        from source: TemporaryCluster, to target: TemporaryCluster, tables: String,
        sharesServers: Bool, _ pass: Turnstile.Pass
    ) async throws {
        self.pass = pass
        self.source = source
        self.target = target
        self.sharesServers = sharesServers
        database = "db_\(UInt32.random(in: 0...UInt32.max))"
        for server in [source, target] {
            try await server.createDatabase(database)
            try await server.sql(tables, database: database)
        }
    }

    /// A shared server has room for some slots and origins only, and a slot keeps its WAL.
    deinit {
        guard sharesServers else { return }
        let (source, target, name, leat) = (source, target, "leat_\(database)", leat)
        Task {
            try await leat?.kill()
            // Both are held for a moment by the sessions that the server has not missed yet.
            try await drop("pg_drop_replication_slot", "slot_name", of: name, source)
            try await drop("pg_replication_origin_drop", "roname", of: name, target)
        }
    }

    /// Databases on two servers of their own, for a test that stops or suspends them.
    static func withOwnServers(
        _ version: PostgresVersion = .v15, source: TemporaryCluster.Options = .init(),
        target: TemporaryCluster.Options = .init(), tables: String,
        _ body: (StreamFixture) async throws -> Void
    ) async throws {
        let pass = await Turnstile.faults.pass()
        async let first = TemporaryCluster.started(version, options: source)
        async let second = TemporaryCluster.started(version, options: target)
        let fixture = try await StreamFixture(
            from: first, to: second, tables: tables, sharesServers: false, pass)
        let journal = ProcessJournal()
        do {
            try await journal.keeping { try await body(fixture) }
        } catch {
            fixture.process.withLock { $0 = nil }
            Issue.record("\(error)\n\(journal.lastWords)")
            try? await fixture.removeServers()
            throw error
        }
        try await fixture.removeServers()
    }

    private func removeServers() async throws {
        try await leat?.kill()
        try await source.remove()
        try await target.remove()
    }

    // MARK: Leat

    /// The one that was started last, running or not.
    var leat: LeatProcess? { process.withLock { $0 } }

    /// Starts `leat sync`; it runs until it is stopped, or the fixture goes.
    ///
    /// - Parameters:
    ///   - source: Another way to the source: a proxy's.
    ///   - target: Another way to the target.
    ///   - failPoint: Where it kills itself: `name` or `name:N`.
    @discardableResult
    func start(
        _ arguments: String..., source: String? = nil, target: String? = nil,
        failPoint: String? = nil
    ) throws -> LeatProcess {
        try start(arguments: arguments, source: source, target: target, failPoint: failPoint)
    }

    @discardableResult
    func start(
        arguments: [String], source: String? = nil, target: String? = nil,
        failPoint: String? = nil
    ) throws -> LeatProcess {
        let usual = [
            "sync", "--source", source ?? self.source.conninfo(database: database),
            "--target", target ?? self.target.conninfo(database: database),
            "--stream", database, "--state-dir", "\(LeatProcess.folder)/state-\(database)",
            "--status-interval", "1s",
        ]
        let leat = try LeatProcess(
            usual + arguments, environment: failPoint.map { ["LEAT_FAILPOINT": $0] } ?? [:])
        process.withLock { $0 = leat }
        return leat
    }

    /// Waits until the tables are copied and the changes flow.
    func waitUntilStreaming(timeout: Duration = .patience) async throws {
        try await leat?.waitForOutput(containing: " streaming ", timeout: timeout)
    }

    /// Waits until everything that is committed on the source now is stored on the target.
    func waitUntilCaughtUp(timeout: Duration = .patience) async throws {
        let end = try await source.scalar("select pg_current_wal_flush_lsn()") ?? ""
        try await waitForTarget(
            """
            select state = 'streaming' and end_lsn >= '\(end)' and not exists (
              select from leat.tables t where t.stream = p.stream and t.state <> 'ready')
            from leat.progress p where stream = '\(database)'
            """, timeout)
    }

    /// Polls until a query on the target is true; fails at once when Leat has ended.
    func waitForTarget(_ query: String, _ timeout: Duration = .patience) async throws {
        let deadline = ContinuousClock.now + timeout
        let pace = PollPace()
        var last = "nothing"
        repeat {
            let hasEnded = leat?.exit != nil
            do {
                last = try await target.scalar(query, database: database) ?? "NULL"
            } catch let error as TestSupportError {
                last = "\(error)"
            }
            if last == "t" { return }
            guard !hasEnded else { break }
            try await pace.pause()
        } while ContinuousClock.now < deadline
        let end = leat?.exit.map { "leat ended (\($0))" } ?? "not within \(timeout)"
        throw TestSupportError("\(end), but \(last): \(query)\n\(logEnd)")
    }

    /// The last lines of Leat's log, for messages.
    var logEnd: String {
        leat?.log.split(separator: "\n").suffix(30).joined(separator: "\n") ?? ""
    }

    // MARK: Judging

    /// Expects every table of both databases to be equal, rows that are there twice included,
    /// and the slot to be where it may be.
    func expectEqual(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let left = try await source.databaseHash(database)
        let right = try await target.databaseHash(database)
        #expect(left == right, "\(logEnd)", sourceLocation: sourceLocation)
        #expect(!left.isEmpty, sourceLocation: sourceLocation)
        await lookAtPositions(sourceLocation)
    }

    /// Runs `body`, and sees to it that the slot is never confirmed beyond the stored position.
    func watchingPositions(
        sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    await self.lookAtPositions(sourceLocation)
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
            try await body()
            group.cancelAll()
        }
    }

    /// The slot is read before the position: what is confirmed must be stored by then. Servers
    /// that are down are passed over.
    private func lookAtPositions(_ sourceLocation: SourceLocation) async {
        let slot = try? await source.scalar(
            """
            select confirmed_flush_lsn from pg_replication_slots
            where slot_name = 'leat_\(database)'
            """, timeout: .seconds(5))
        guard let confirmed = slot.flatMap({ $0 }) else { return }
        let stored = try? await target.scalar(
            """
            select end_lsn from leat.progress
            where state = 'streaming' and stream = '\(database)' and end_lsn < '\(confirmed)'
            """, database: database, timeout: .seconds(5))
        guard let stored = stored.flatMap({ $0 }) else { return }
        Issue.record(
            "confirmed up to \(confirmed), stored up to \(stored)", sourceLocation: sourceLocation)
    }
}

/// Calls a function for each of a server's slots or origins of this name, when it can. Origins
/// have the database's number in their name too.
private func drop(
    _ function: String, _ column: String, of name: String, _ server: TemporaryCluster
) async throws {
    let catalog = column == "roname" ? "pg_replication_origin" : "pg_replication_slots"
    try await waitUntil("\(name) is dropped") {
        let dropped = try? await server.sql(
            """
            select \(function)(\(column)) from \(catalog)
            where \(column) ~ '^\(name)(_[0-9]+)?(_(copy|side)[0-9]+)?$'
            """)
        return dropped != nil
    }
}
