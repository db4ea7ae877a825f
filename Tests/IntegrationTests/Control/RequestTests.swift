import Foundation
import LeatTestSupport
import PGWire
import Testing

/// What others ask of the process that runs a stream, by way of schema `leat`.
@Suite("A running stream is asked")
struct RequestTests {
    private static let tables = "create table t (id int primary key, note text)"

    private func status(_ pair: Pair) async throws -> [String: Any] {
        let outcome = try await pair.leat(
            [
                "status", "--json", "--target", pair.target.conninfo(database: pair.database),
                "--stream", pair.stream,
            ])
        #expect(outcome.exitCode == 0, "\(outcome.log)")
        let json = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        return try #require((json as? [[String: Any]])?.first)
    }

    private func live(_ pair: Pair) async throws -> [String: Any]? {
        try await status(pair)["live"] as? [String: Any]
    }

    private func waitUntilBlocked(_ pair: Pair) async throws {
        try await pair.target.waitUntil(
            sql: """
                select exists (select from pg_stat_activity
                  where application_name = 'leat_\(pair.stream)' and wait_event_type = 'Lock')
                """)
    }

    private func stop(_ pair: Pair, _ options: String...) -> [String] {
        [
            "stop", "--target", pair.target.conninfo(database: pair.database), "--stream",
            pair.stream,
        ]
            + options
    }

    private func openRequests(_ pair: Pair) async throws -> String? {
        try await pair.targetValue("select count(*) from leat.requests")
    }

    /// No stage is beyond the one before it.
    private func expectInOrder(_ positions: Any?) throws {
        let positions = try #require(positions as? [String: String])
        let stages = try ["confirmed", "stored", "applied", "heard"].map { stage in
            try #require(positions[stage].flatMap(LSN.init))
        }
        #expect(stages == stages.sorted())
    }

    /// Each field is in `Docs/reference/status.md`, but for names of tables.
    private func expectAllIsOnThePage(_ report: [String: Any]) throws {
        let page = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../../Docs/reference/status.md").standardized,
            encoding: .utf8)
        for name in fields(report) {
            #expect(page.contains("`\(name)`"), "\(name)")
        }
    }

    private func fields(_ value: Any) -> [String] {
        if let list = value as? [Any] { return list.flatMap(fields) }
        guard let object = value as? [String: Any] else { return [] }
        return object.flatMap { name, value in
            (name.contains(".") ? [] : [name]) + fields(value)
        }
    }

    // MARK: Status

    @Test(
        "what it shows of itself, also while a batch waits for a lock",
        arguments: Pair.Versions.same)
    func live(_ versions: Pair.Versions) async throws {
        try await Pair.with(versions, schema: Self.tables) { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            try await pair.onSource("insert into t values (1, 'a'), (2, 'b')")
            try await pair.waitUntilApplied()
            let first = try #require(try await live(pair))
            #expect(first["phase"] as? String == "streaming")
            #expect(first["pid"] as? Int == Int(leat.processID))
            #expect(first["rows_applied"] as? Int == 2)
            #expect(first["transactions_applied"] as? Int == 1)
            let tables = try #require(first["tables"] as? [String: [String: Int]])
            #expect(tables["public.t"]?["inserts"] == 2)
            #expect((first["changes"] as? [String: Int])?["inserts"] == 2)
            #expect((first["apply_times"] as? [String: Any])?["batches"] as? Int == 1)
            try expectInOrder(first["positions"])
            try await expectAllIsOnThePage(status(pair))

            try await pair.target.whileLocked("t", in: pair.database) {
                try await pair.onSource("insert into t values (3, 'c')")
                try await waitUntilBlocked(pair)
                #expect(try await live(pair)?["rows_applied"] as? Int == 2)
            }
            try await pair.waitUntilApplied()
            #expect(try await live(pair)?["rows_applied"] as? Int == 3)
            // Nothing stays of it.
            #expect(try await openRequests(pair) == "0")
            #expect(try await leat.terminate() == 0, "\(leat.log)")
            #expect(try await live(pair) == nil)
        }
    }

    @Test("by a role that may only read, it is not, and the rest of the status is there")
    func readOnly() async throws {
        try await Pair.with(schema: Self.tables) { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            let role = "reader_\(pair.database)"
            try await pair.onTarget(
                """
                create role \(role) login; grant usage on schema leat to \(role);
                grant select on all tables in schema leat to \(role)
                """)
            let target = pair.target.conninfo(database: pair.database, user: role)
            let outcome = try await pair.leat(["status", "--target", target])
            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(outcome.output.contains("running"))
            #expect(!outcome.output.contains("process "))
            #expect(try await leat.terminate() == 0)
            try await pair.onTarget("drop owned by \(role); drop role \(role)")
        }
    }

    // MARK: Stopping at a position

    /// Two transactions wait behind a lock, and the place is between them.
    @Test("to end at a position: what ends before it is there, what is behind it is not")
    func stopsBetween() async throws {
        try await Pair.with(schema: Self.tables) { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            try await pair.target.whileLocked("t", in: pair.database) {
                try await pair.onSource("insert into t values (1, 'before')")
                try await waitUntilBlocked(pair)
                try await pair.onSource("insert into t values (2, 'before')")
                let place = try #require(
                    try await pair.sourceValue("select pg_current_wal_insert_lsn()"))
                try await pair.onSource("insert into t values (3, 'behind')")
                // It goes on behind whoever has no patience.
                let early = try await pair.leat(stop(pair, "--at", place, "--timeout", "100ms"))
                #expect(early.exitCode == 4 && early.log.contains("goes on to \(place)"))
                let second = try await pair.leat(stop(pair, "--at", place))
                #expect(second.exitCode == 2 && second.log.contains("somebody else"))
            }
            #expect(try await leat.waitForExit() == 0, "\(leat.log)")
            #expect(try await pair.targetValue("select string_agg(id::text, ' ') from t") == "1 2")
            // And the rest is not lost.
            try await pair.catchUp()
            try await pair.expectEqual()
        }
    }

    @Test("to end now, under load", arguments: [[], ["--spool"]])
    func stopsNow(_ options: [String]) async throws {
        try await Pair.with(schema: Self.tables) { pair in
            let options = options.flatMap { [$0, pair.spool] }
            let leat = try LeatProcess(
                ["sync"] + pair.places + ["--status-interval", "200ms"] + options)
            try await pair.waitForStream(leat)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for number in 1...100_000 where !Task.isCancelled {
                        try await pair.onSource("insert into t values (\(number), 'load')")
                    }
                }
                defer { group.cancelAll() }
                try await pair.target.waitUntil(
                    sql: "select count(*) >= 20 from t", database: pair.database)
                let count = try #require(try await pair.sourceValue("select count(*) from t"))
                let outcome = try await pair.leat(stop(pair))
                #expect(outcome.exitCode == 0, "\(outcome.log)\n\(leat.log)")
                #expect(try await leat.waitForExit() == 0, "\(leat.log)")
                #expect(
                    try await pair.targetValue("select count(*) >= \(count) from t") == "t")
                let end = try #require(outcome.output.firstMatch(of: /ended at (\S+)/)?.1)
                #expect(
                    try await pair.targetValue("select end_lsn >= '\(end)' from leat.progress")
                        == "t")
            }
            let outcome = try await pair.leat(
                ["sync"] + pair.places + ["--endpos", "now"] + options)
            #expect(outcome.exitCode == 0, "\(outcome.log)")
            try await pair.expectEqual()
        }
    }

    @Test("to end where it is beyond already, it says so and goes on")
    func passed() async throws {
        try await Pair.with(schema: Self.tables) { pair in
            let none = try await pair.leat(stop(pair))
            #expect(none.exitCode == 2 && none.log.contains("no stream"), "\(none.log)")
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            let place = try #require(
                try await pair.sourceValue("select pg_current_wal_insert_lsn()"))
            try await pair.onSource("insert into t values (1, 'a')")
            try await pair.waitUntilApplied()
            let outcome = try await pair.leat(stop(pair, "--at", place))
            #expect(outcome.exitCode == 2 && outcome.log.contains("already"), "\(outcome.log)")
            let nonsense = try await pair.leat(stop(pair, "--at", "tomorrow"))
            #expect(nonsense.exitCode == 2 && nonsense.log.contains("neither an LSN nor now"))
            try await pair.onSource("insert into t values (2, 'b')")
            try await pair.waitUntilApplied()
            #expect(try await leat.terminate() == 0, "\(leat.log)")
            let stopped = try await pair.leat(stop(pair))
            #expect(stopped.exitCode == 2 && stopped.log.contains("No process"), "\(stopped.log)")
        }
    }

    /// A place that no WAL reaches soon; then the process is killed.
    @Test("what was asked of a process that was killed does not end the next one")
    func killed() async throws {
        try await Pair.with(schema: Self.tables) { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            let asking = try LeatProcess(stop(pair, "--at", "FFFF/0"))
            try await pair.target.waitUntil(
                sql: "select count(answer) from leat.requests", equals: "1",
                database: pair.database)
            try await leat.kill()
            // As one whose asker is gone, too.
            try await pair.onTarget(
                "insert into leat.requests (stream, request) values ('\(pair.stream)', 'stop')")
            let next = try pair.start()
            try await pair.waitForStream(next)
            #expect(try await asking.waitForExit() == 4)
            #expect(asking.log.contains("has begun anew"), "\(asking.log)")
            try await pair.onSource("insert into t values (1, 'a')")
            try await pair.waitUntilApplied()
            #expect(try await openRequests(pair) == "0")
            #expect(next.exit == nil)
            #expect(try await next.terminate() == 0, "\(next.log)")
        }
    }

    @Test("a connection that is lost while it is asked is made anew")
    func reconnects() async throws {
        try await Pair.with(schema: Self.tables) { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            #expect(try await live(pair) != nil)
            try await pair.target.sql(
                """
                select pg_terminate_backend(pid) from pg_stat_activity
                where application_name = 'leat_\(pair.stream)' and wait_event = 'ClientRead'
                  and query like '%leat.requests%'
                """)
            try await pair.onSource("insert into t values (1, 'a')")
            try await pair.waitUntilApplied()
            try await waitUntil("it answers again") { try await live(pair) != nil }
            #expect(!leat.log.contains("Trying again"), "\(leat.log)")
            #expect(try await leat.terminate() == 0)
        }
    }

    @Test("a replay, to end at a position")
    func replay() async throws {
        try await Staging.with(schema: Self.tables) { staging in
            try await staging.record("--with-base")
            try await staging.pair.onSource("insert into t values (1, 'before')")
            let place = try await staging.now()
            try await staging.pair.onSource("insert into t values (2, 'behind')")
            let leat = try staging.startReplay("--follow")
            try await leat.waitForOutput(containing: "replaying")
            let outcome = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await staging.record() }
                defer { group.cancelAll() }
                return try await staging.pair.leat(stop(staging.pair, "--at", place))
            }
            #expect(outcome.exitCode == 0, "\(outcome.log)\n\(leat.log)")
            #expect(try await leat.waitForExit() == 0, "\(leat.log)")
            #expect(
                try await staging.pair.targetValue("select string_agg(note, ' ') from t")
                    == "before")
            try await staging.replay()
            try await staging.pair.expectEqual()
        }
    }

    @Test("cleanup removes what was asked")
    func cleanup() async throws {
        try await Pair.with(schema: Self.tables) { pair in
            try await pair.catchUp()
            try await pair.onTarget(
                "insert into leat.requests (stream, request) values ('\(pair.stream)', 'status')")
            let outcome = try await pair.leat(["cleanup", "--yes"] + pair.places)
            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(try await openRequests(pair) == "0")
        }
    }
}
