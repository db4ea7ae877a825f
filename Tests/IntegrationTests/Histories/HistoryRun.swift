import Foundation
import LeatTestSupport
import Testing

/// A source and three that follow it: a native subscription, Leat with net changes, and Leat with
/// each change by itself.
struct HistoryRun {
    /// A Leat with a stream and a database of its own.
    private struct Follower {
        var pair: Pair
        /// What it is called in messages.
        var name: String
        /// Also the stream's name.
        var database: String
        var options: [String]
        private(set) var process: LeatProcess

        init(_ pair: Pair, _ name: String, database: String, options: [String]) throws {
            self.pair = pair
            self.name = name
            self.database = database
            self.options = options
            process = try Follower.start(pair, database, options)
        }

        private static func start(
            _ pair: Pair, _ database: String, _ options: [String]
        ) throws -> LeatProcess {
            try LeatProcess(
                [
                    "sync", "--source", pair.source.conninfo(database: pair.database),
                    "--target", pair.target.conninfo(database: database), "--stream", database,
                    "--state-dir", "\(pair.stateDirectory)/\(database)",
                    "--status-interval", "200ms",
                ] + HistoryRun.publications + options)
        }

        func stop(killed: Bool) async throws {
            guard !killed else { return try await process.kill() }
            let code = try await process.terminate()
            #expect(code == 0, "\(process.log)")
        }

        mutating func start(_ more: [String]) throws {
            process = try Follower.start(pair, database, options + more)
        }

        var logEnd: String {
            process.log.split(separator: "\n").suffix(10).joined(separator: "\n")
        }

        func waitFor(_ query: String) async throws {
            try await waitUntil("\(name) applies the round\n\(logEnd)") {
                if let exit = process.exit {
                    throw TestSupportError("\(name) ended (\(exit))\n\(logEnd)")
                }
                return try await pair.target.scalar(query, database: database) == "t"
            }
        }
    }

    let pair: Pair
    let schema: HistorySchema
    private var followers: [Follower]
    private var rounds = 0

    /// The databases of the others, on the server of Leat's target.
    private var native: String { pair.database + "_native" }
    private var plain: String { pair.database + "_plain" }

    private static let publications = HistoryTable.Publication.allCases.flatMap {
        ["--publication", $0.rawValue]
    }

    /// Makes all targets follow a source whose tables are empty.
    init(_ pair: Pair, _ schema: HistorySchema) async throws {
        self.pair = pair
        self.schema = schema
        try await pair.onSource(schema.sourceDDL)
        try await pair.onSource(schema.publications)
        // Read by walsenders too: transactions of more are sent while they are in progress.
        try await pair.onSource(
            "alter database \(pair.database) set logical_decoding_work_mem = '64kB'")
        try await pair.onTarget(schema.targetDDL)
        followers = []
        try await pair.target.createDatabase(plain)
        try await pair.target.sql(schema.targetDDL, database: plain)
        followers = [
            try Follower(pair, "Leat", database: pair.database, options: []),
            try Follower(
                pair, "Leat without net changes", database: plain,
                options: ["--net-changes", "off"]),
        ]
        for follower in followers { try await pair.waitForStream(follower.process) }
        try await subscribe()
    }

    private func subscribe() async throws {
        try await pair.target.createDatabase(native)
        try await pair.target.sql(schema.targetDDL, database: native)
        let followed = HistoryTable.Publication.allCases.filter { $0 != .exact }.map(\.rawValue)
        try await pair.target.sql(
            """
            create subscription \(native)
            connection '\(pair.source.conninfo(database: pair.database))'
            publication \(followed.joined(separator: ", "))
            with (copy_data = false, streaming = on)
            """, database: native)
    }

    /// The pair drops the slots, and what is in its own database.
    func remove() async {
        for follower in followers { try? await follower.process.kill() }
        _ = try? await pair.target.run(
            script: """
                alter subscription \(native) disable;
                alter subscription \(native) set (slot_name = none);
                drop subscription \(native);
                """, database: native)
        _ = try? await pair.target.sql("drop database if exists \(native) with (force)")
        _ = try? await pair.target.sql(
            """
            select pg_replication_origin_drop(roname) from pg_replication_origin
            where roname ~ ('_' || (select oid from pg_database where datname = '\(plain)') || '$')
            """)
        _ = try? await pair.target.sql("drop database if exists \(plain) with (force)")
    }

    /// What the histories did, in words; the last of it may not be counted yet.
    ///
    /// - Throws: ``TestSupportError`` if nothing was sent in progress, which was to be tested too.
    ///   The subscription's slot counts as well: chance may start Leat with streaming off only.
    func summary() async throws -> String {
        let streamed = """
            select sum(stream_txns) from pg_stat_replication_slots
            where slot_name in ('\(pair.objectName)', '\(native)')
            """
        try await pair.source.waitUntil(sql: "select (\(streamed)) > 0")
        let row = try await pair.onSource(
            """
            select xact_commit, tup_inserted, tup_updated, tup_deleted, (\(streamed))
            from pg_stat_database where datname = '\(pair.database)'
            """
        )[0].map { $0 ?? "" }
        return """
            \(rounds) rounds, \(row[0]) commits, \(row[1]) inserts, \(row[2]) updates, \
            \(row[3]) deletes, \(row[4]) transactions sent in progress
            """
    }

    // MARK: A round

    mutating func run(_ round: HistoryRound) async throws {
        rounds += 1
        switch round.pace {
        case .trickle:
            try await write(round.histories)
        case .backlog:
            for follower in followers { follower.process.signal(SIGSTOP) }
            defer { for follower in followers { follower.process.signal(SIGCONT) } }
            try await write(round.histories)
        case .restart(let killed, let options):
            for follower in followers { try await follower.stop(killed: killed) }
            try await write(round.histories)
            for index in followers.indices { try followers[index].start(options) }
        }
        try await pair.onSource("insert into marker values (\(rounds))")
        try await waitForMarker()
        try await compare()
    }

    private func write(_ histories: [History]) async throws {
        for history in histories {
            async let beside: Void = write(history.besideSQL)
            try await write(history.sql)
            try await beside
        }
    }

    private func write(_ sql: String) async throws {
        guard !sql.isEmpty else { return }
        try await pair.source.run(
            script: "set client_min_messages = error;\n\(sql)",
            database: pair.database)
    }

    private func waitForMarker() async throws {
        let query = "select exists (select from marker where n = \(rounds))"
        for follower in followers { try await follower.waitFor(query) }
        try await pair.target.waitUntil(sql: query, database: native)
    }

    // MARK: The judge

    /// - Throws: ``TestSupportError`` with the rows that differ.
    private func compare() async throws {
        async let source = hashes(pair.source, pair.database, onSource: true)
        async let folded = hashes(pair.target, pair.database, onSource: false)
        async let inOrder = hashes(pair.target, plain, onSource: false)
        async let theirs = hashes(pair.target, native, onSource: false)
        let expected = try await source
        let ours = try await [folded, inOrder]
        let subscribed = try await theirs
        var differences: [String] = []
        for table in schema.tables {
            let name = table.name
            for (follower, found) in zip(followers, ours) where found[name] != expected[name] {
                differences.append(
                    try await difference(table, to: follower.database, follower.name))
            }
            if table.publication != .exact, expected[name] != subscribed[name] {
                differences.append(try await difference(table, to: native, "the subscription"))
            }
        }
        guard differences.isEmpty else {
            throw TestSupportError(differences.joined(separator: "\n"))
        }
    }

    private func hashes(
        _ server: TemporaryCluster, _ database: String, onSource: Bool
    ) async throws -> [String: [String?]] {
        let rows = try await server.sql(schema.hashes(onSource: onSource), database: database)
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0] ?? "", Array($0.dropFirst())) })
    }

    /// What a target has too much and too little.
    private func difference(
        _ table: HistoryTable, to database: String, _ who: String
    ) async throws -> String {
        func rows(_ server: TemporaryCluster, _ name: String, onSource: Bool) async throws
            -> [String]
        {
            try await server.sql(schema.rows(of: table, onSource: onSource), database: name)
                .map { String(($0[0] ?? "").prefix(80)) }.sorted()
        }
        let expected = try await rows(pair.source, pair.database, onSource: true)
        let found = try await rows(pair.target, database, onSource: false)
        let changes = found.difference(from: expected)
        let (extra, lost) = (changes.insertions.map(\.element), changes.removals.map(\.element))
        return "\(table.name): \(who) has \(extra.prefix(10)), lacks \(lost.prefix(10))"
    }
}
