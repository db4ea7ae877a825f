import LeatTestSupport
import Testing

/// A few changes go to the target with their COMMIT, and the server itself sees to it that each
/// update and delete meets its row.
@Suite("Small transactions", .serialized)
struct SmallTransactionTests {
    private static let tables = """
        create table t (id int primary key, v int not null, note text unique);
        create table log (id int, note text);
        alter table log replica identity full;
        """

    private func withStream(
        _ arguments: [String] = [], _ body: (StreamFixture, TCPProxy) async throws -> Void
    ) async throws {
        // Nobody else's WAL, and no tick, gives Leat anything to ask the target for.
        try await StreamFixture.withOwnServers(tables: Self.tables) { stream in
            try await stream.source.sql(
                "insert into t select i, 0, 'n' || i from generate_series(1, 100) i",
                database: stream.database)
            let proxy = try TCPProxy(to: stream.target.port)
            try stream.start(
                arguments: ["--status-interval", "30s"] + arguments,
                target: proxy.conninfo(database: stream.database))
            try await stream.waitUntilStreaming()
            // The target's tables are looked at when their first change comes.
            try await stream.source.sql(
                Self.transaction(1, changes: 4), database: stream.database)
            try await settle(stream)
            try await body(stream, proxy)
        }
    }

    /// - Returns: SQL of updates, a delete and inserts that end with one into `log`.
    private static func transaction(_ number: Int, changes: Int) -> String {
        """
        begin;
        update t set v = v + 1 where id between 11 and \(10 + changes - 3);
        delete from t where id = 100 - \(number);
        insert into t values (1000 + \(number), 0, 'new \(number)');
        insert into log values (\(number), 'last');
        commit
        """
    }

    private static func isLogged(_ number: Int) -> String {
        "select exists (select from log where id = \(number))"
    }

    /// Waits until the source has heard that all is durable: Leat then has no question open.
    private func settle(_ stream: StreamFixture) async throws {
        let end = try await stream.source.scalar("select pg_current_wal_flush_lsn()") ?? ""
        try await stream.waitUntilCaughtUp()
        try await stream.waitUntilConfirmed(end)
    }

    @Test("are committed before any of the target's answers is back")
    func oneTrip() async throws {
        try await withStream { stream, proxy in
            for (number, changes) in [(2, 4), (3, 16)] {
                proxy.stall(.toClient)
                try await stream.source.sql(
                    Self.transaction(number, changes: changes), database: stream.database)
                try await stream.waitForTarget(Self.isLogged(number), .seconds(60))
                proxy.resume()
                try await settle(stream)
            }
            try await stream.expectEqual()
        }
    }

    /// The opposite of ``oneTrip()``: its judge does see the difference.
    @Test("of more changes than a few wait for the answers")
    func twoTrips() async throws {
        try await withStream { stream, proxy in
            proxy.stall(.toClient)
            try await stream.source.sql(
                """
                begin;
                insert into log select 0, 'many' from generate_series(1, 10000);
                insert into log values (2, 'last');
                commit
                """, database: stream.database)
            try await stream.target.waitUntil(
                sql: """
                    select exists (select from pg_stat_activity
                      where application_name = 'leat_\(stream.database)'
                        and state = 'idle in transaction')
                    """, timeout: .seconds(60))
            #expect(
                try await stream.target.scalar(Self.isLogged(2), database: stream.database) == "f")
            proxy.resume()
            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
        }
    }

    /// A way to disagree with what is sent, within a transaction of more changes.
    struct Refused: Sendable, CustomTestStringConvertible {
        var kind: String
        var policy: String
        var onTarget: String
        var onSource: String
        /// Run on the target at the end: what the policy leaves different is made the same.
        var mending = ""

        var testDescription: String { "\(kind)=\(policy)" }
    }

    private static let disagreements = [
        Refused(
            kind: "update_missing", policy: "skip", onTarget: "delete from t where id = 50",
            onSource: "update t set v = 7 where id = 50",
            mending: "insert into t values (50, 7, 'n50')"),
        Refused(
            kind: "update_missing", policy: "apply", onTarget: "delete from t where id = 50",
            onSource: "update t set v = 7 where id = 50"),
        Refused(
            kind: "delete_missing", policy: "skip", onTarget: "delete from t where id = 50",
            onSource: "delete from t where id = 50"),
        Refused(
            kind: "insert_exists", policy: "apply",
            onTarget: "insert into t values (5000, 1, 'mine')",
            onSource: "insert into t values (5000, 2, 'theirs')"),
    ]

    /// `log` has no key: what comes twice is there twice. `v` counts the updates.
    private static func around(_ change: String) -> String {
        """
        begin;
        insert into log values (2, 'before');
        update t set v = v + 1 where id between 11 and 14;
        \(change);
        update t set v = v + 1 where id between 13 and 16;
        insert into log values (2, 'last');
        commit
        """
    }

    @Test(
        "that the target refuses are applied once, with what the policy says",
        arguments: disagreements)
    func resolves(_ refused: Refused) async throws {
        let policy = "\(refused.kind)=\(refused.policy)"
        try await withStream(["--on-conflict", policy]) { stream, _ in
            try await stream.target.sql(refused.onTarget, database: stream.database)
            try await stream.source.sql(
                Self.around(refused.onSource), database: stream.database)
            try await stream.waitForTarget(Self.isLogged(2))
            for number in 3...20 {
                try await stream.source.sql(
                    Self.transaction(number, changes: 8), database: stream.database)
            }
            try await stream.waitUntilCaughtUp()

            let conflicts = try await stream.target.sql(
                "select kind, policy from leat.conflicts", database: stream.database)
            #expect(conflicts == [[refused.kind, refused.policy]])
            #expect(stream.leat?.exit == nil, "\(stream.logEnd)")
            if !refused.mending.isEmpty {
                try await stream.target.sql(refused.mending, database: stream.database)
            }
            try await stream.expectEqual()
        }
    }

    @Test("that the target refuses leave nothing behind where there is no policy")
    func stops() async throws {
        try await withStream { stream, _ in
            let before = try await stream.target.databaseHash(stream.database)
            try await stream.target.sql(
                "delete from t where id = 50", database: stream.database)
            let held = try await stream.target.databaseHash(stream.database)
            #expect(before != held)

            try await stream.source.sql(
                Self.around("update t set v = 7 where id = 50"), database: stream.database)
            #expect(try await stream.leat?.waitForExit() == 7, "\(stream.logEnd)")
            #expect(stream.leat?.log.contains("update_missing") == true, "\(stream.logEnd)")
            #expect(try await stream.target.databaseHash(stream.database) == held)

            try await stream.target.sql(
                "insert into t values (50, 0, 'n50')", database: stream.database)
            try stream.start()
            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
        }
    }
}
