import Foundation
import LeatTestSupport
import Testing

/// A slot on a shared server, with changes in it, and what `leat slot peek` says of it.
struct PeekFixture {
    let pair: Pair
    /// Also that of the publication.
    let slot: String

    static let schema = """
        create table t (id int primary key, v text);
        create table big (id int primary key, v text);
        create table other (id int primary key);
        alter table big alter v set storage external;
        """

    /// Runs `body` with a slot that stands before what it does then.
    static func with(
        _ version: PostgresVersion, publication: String = "for table t, big",
        _ body: (PeekFixture) async throws -> Void
    ) async throws {
        try await Pair.with(.init(version, version), schema: schema) { pair in
            let fixture = PeekFixture(pair: pair, slot: pair.objectName)
            try await pair.onSource("create publication \(fixture.slot) \(publication)")
            try await fixture.createSlot(fixture.slot)
            try await body(fixture)
        }
    }

    func createSlot(_ name: String, plugin: String = "pgoutput") async throws {
        try await pair.onSource(
            "select pg_create_logical_replication_slot('\(name)', '\(plugin)')")
    }

    var arguments: [String] {
        ["slot", "peek", slot, "--source", pair.source.conninfo(database: pair.database)]
    }

    func peek(_ options: String..., timeout: Duration = .seconds(60)) async throws -> Pair.Outcome {
        try await pair.leat(arguments + options, timeout: timeout)
    }

    /// Peeks, expects success and that nothing moved, and returns the JSON lines.
    func lines(_ options: String...) async throws -> [JSONLine] {
        let before = try await positions()
        let outcome = try await pair.leat(arguments + ["--json"] + options)
        #expect(outcome.exitCode == 0, "\(outcome.log)")
        #expect(try await positions() == before)
        return try outcome.output.split(separator: "\n").map { line in
            try JSONDecoder().decode(JSONLine.self, from: Data(line.utf8))
        }
    }

    func summary(_ options: String...) async throws -> Summary {
        let before = try await positions()
        let outcome = try await pair.leat(arguments + ["--json", "--summary"] + options)
        #expect(outcome.exitCode == 0, "\(outcome.log)")
        #expect(try await positions() == before)
        return try JSONDecoder().decode(Summary.self, from: Data(outcome.output.utf8))
    }

    /// All that a consumer's next start depends on, of every slot of the database; and that no
    /// copy is left.
    func positions() async throws -> [[String?]] {
        try await pair.source.waitUntil(
            sql: "select not exists (select from pg_replication_slots "
                + "where slot_name like 'leat_peek_%' and database = '\(pair.database)')")
        return try await pair.onSource(
            """
            select slot_name, restart_lsn, confirmed_flush_lsn, catalog_xmin, xmin
            from pg_replication_slots where database = current_database() order by 1
            """)
    }

    struct Tally: Decodable, Equatable { var count: Int, bytes: Int }

    struct Changes: Decodable {
        var table: String?
        var message_prefix: String?
        var operations: [String: Tally]

        /// `t insert 1, update 2`, by the names of operations.
        var text: String {
            let counts = operations.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.count)" }
            return "\(table ?? "'\(message_prefix ?? "?")'") \(counts.joined(separator: ", "))"
        }
    }

    struct Column: Decodable, Equatable {
        var name: String
        var value: String?
        var is_unchanged: Bool?
    }

    struct JSONLine: Decodable {
        var type: String
        var xid: UInt32?
        var commit_lsn: String?
        var end_lsn: String?
        var commit_time: String?
        var origin: String?
        var is_streamed: Bool?
        var changes: [Changes]?
        var lsn: String?
        var operation: String?
        var table: String?
        var tables: [String]?
        var old: [Column]?
        var new: [Column]?
        var is_cascade: Bool?
        var restarts_identity: Bool?
        var message_prefix: String?
        var content: Data?
        var publications: [String]?
        var confirmed_flush_lsn: String?
        var is_complete: Bool?

        var text: String { (changes ?? []).map(\.text).joined(separator: "; ") }
    }

    struct Summary: Decodable {
        struct Line: Decodable {
            var table: String?
            var message_prefix: String?
            var operation: String
            var count: Int
            var bytes: Int
        }
        var transactions: Int, is_complete: Bool, rolled_back_transactions: Int
        var rolled_back: Tally
        var in_progress: [JSONLine]
        var changes: [Line]
        var largest: JSONLine?

        func count(_ table: String, _ operation: String) -> Int {
            changes.first { $0.table == table && $0.operation == operation }?.count ?? 0
        }
    }
}
