import Foundation
import LeatTestSupport
import Testing

/// A source, a target that a native subscription follows it with, and one that Leat does.
struct HistoryRun {
    let pair: Pair
    let schema: HistorySchema
    private var leat: LeatProcess
    private var rounds = 0

    /// The native subscription's database, on the server of Leat's target.
    private var native: String { pair.database + "_native" }

    private static let publications = HistoryTable.Publication.allCases.flatMap {
        ["--publication", $0.rawValue]
    }

    /// Makes both targets follow a source whose tables are empty.
    init(_ pair: Pair, _ schema: HistorySchema) async throws {
        self.pair = pair
        self.schema = schema
        try await pair.onSource(schema.sourceDDL)
        try await pair.onSource(schema.publications)
        // Read by walsenders too: transactions of more are sent while they are in progress.
        try await pair.onSource(
            "alter database \(pair.database) set logical_decoding_work_mem = '64kB'")
        try await pair.onTarget(schema.targetDDL)
        leat = try Self.start(pair, [])
        try await pair.waitForStream(leat)
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

    private static func start(_ pair: Pair, _ options: [String]) throws -> LeatProcess {
        try LeatProcess(
            ["sync"] + pair.places + publications + ["--status-interval", "200ms"] + options)
    }

    /// The pair drops the slot.
    func remove() async {
        _ = try? await pair.target.run(
            script: """
                alter subscription \(native) disable;
                alter subscription \(native) set (slot_name = none);
                drop subscription \(native);
                """, database: native)
        _ = try? await pair.target.sql("drop database if exists \(native) with (force)")
    }

    /// What the histories did, in words; the last of it may not be counted yet.
    ///
    /// - Throws: ``TestSupportError`` if nothing was sent in progress, which was to be tested too.
    func summary() async throws -> String {
        let streamed = """
            select sum(stream_txns) from pg_stat_replication_slots
            where slot_name = '\(pair.objectName)'
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
            leat.signal(SIGSTOP)
            defer { leat.signal(SIGCONT) }
            try await write(round.histories)
        case .restart(let killed, let options):
            if killed {
                try await leat.kill()
            } else {
                let code = try await leat.terminate()
                #expect(code == 0, "\(leat.log)")
            }
            try await write(round.histories)
            leat = try Self.start(pair, options)
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
        try await waitUntil("Leat applies the round\n\(logEnd)") {
            if let exit = leat.exit { throw TestSupportError("leat ended (\(exit))\n\(logEnd)") }
            return try await pair.targetValue(query) == "t"
        }
        try await pair.target.waitUntil(sql: query, database: native)
    }

    private var logEnd: String {
        leat.log.split(separator: "\n").suffix(10).joined(separator: "\n")
    }

    // MARK: The judge

    /// - Throws: ``TestSupportError`` with the rows that differ.
    private func compare() async throws {
        async let source = hashes(pair.source, pair.database, onSource: true)
        async let ours = hashes(pair.target, pair.database, onSource: false)
        async let theirs = hashes(pair.target, native, onSource: false)
        let all = try await (source: source, ours: ours, theirs: theirs)
        var differences: [String] = []
        for table in schema.tables {
            let name = table.name
            if all.source[name] != all.ours[name] {
                differences.append(try await difference(table, to: pair.database, "Leat"))
            }
            if table.publication != .exact, all.source[name] != all.theirs[name] {
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

extension CollectionDifference.Change {
    fileprivate var element: ChangeElement {
        switch self {
        case .insert(_, let element, _), .remove(_, let element, _): element
        }
    }
}
