import Foundation
import LeatTestSupport
import Testing

@Suite("Commands")
struct CommandTests {
    private static let schema = "create table t (id int primary key, v text)"
    private static let rows = "insert into t select i, 'v' from generate_series(1, 10) i"

    private struct Report: Decodable {
        struct Tables: Decodable { var total: Int, ready: Int, pending: [String] }
        struct Slot: Decodable {
            var name: String, is_active: Bool, confirmed_flush_lsn: String, wal_status: String
            var retained_bytes: Int, lag_bytes: Int
        }
        var stream: String, state: String, position: String, is_running: Bool
        var is_consistent: Bool, source_database: String, slot_name: String
        var updated_at: String, publications: [String], tables: Tables, slot: Slot?
    }

    private func reports(_ text: String) throws -> [Report] {
        try JSONDecoder().decode([Report].self, from: Data(text.utf8))
    }

    @Test("the version is a command and a flag")
    func version() async throws {
        let command = try await LeatProcess.run(["version"])
        let flag = try await LeatProcess.run(["--version"])

        #expect(command.exitCode == 0 && flag.exitCode == 0)
        #expect(command.output.hasPrefix("leat ") && command.output == flag.output)
    }

    @Test("status shows a running and a stopped stream, for people and as JSON")
    func status() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let target = ["--target", pair.target.conninfo(database: pair.database)]
            let source = ["--source", pair.source.conninfo(database: pair.database)]
            let empty = try await pair.leat(["status"] + target)
            #expect((empty.exitCode, empty.output) == (0, "no streams\n"))
            let leat = try pair.start()
            try await pair.waitForStream(leat)

            let text = try await pair.leat(["status"] + target + source)
            let json = try await pair.leat(["status", "--json"] + target + source)
            #expect(try await leat.terminate() == 0)
            let stopped = try await pair.leat(
                ["status", "--json", "--stream", pair.stream] + target)
            let unknown = try await pair.leat(["status", "--stream", "absent"] + target)

            for word in [pair.stream, "running", "1 of 1 ready", pair.objectName, "active", "lag"] {
                #expect(text.output.contains(word))
            }
            let report = try #require(try reports(json.output).first)
            #expect(report.is_running && report.is_consistent && report.state == "streaming")
            #expect((report.stream, report.slot_name) == (pair.stream, pair.objectName))
            #expect(report.slot?.is_active == true && report.slot?.wal_status == "reserved")
            #expect((report.tables.total, report.tables.ready) == (1, 1))
            #expect(report.updated_at.hasSuffix("Z"))
            #expect(try reports(stopped.output).map(\.is_running) == [false])
            #expect(unknown.exitCode == 2)
        }
    }

    private struct Halted: Decodable {
        struct Halt: Decodable {
            var at: String, exit_code: Int, message: String, advice: String?
        }
        var halt: Halt?
    }

    private func halts(_ text: String) throws -> [Halted.Halt?] {
        try JSONDecoder().decode([Halted].self, from: Data(text.utf8)).map(\.halt)
    }

    @Test("status says why a stream has stopped by itself, until it runs again")
    func halted() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let status = ["status", "--target", pair.target.conninfo(database: pair.database)]
            try await pair.catchUp()
            // As a stream of an earlier version left it.
            try await pair.onTarget(
                """
                alter table leat.progress drop halted_at, drop halt_code, drop halt_message,
                  drop halt_advice
                """)
            #expect(try await pair.leat(status).exitCode == 0)
            try await pair.onTarget("insert into t values (11)")
            try await pair.onSource("insert into t values (11)")

            let outcome = try await pair.sync("--endpos", "now")
            #expect(outcome.exitCode == 7, "\(outcome.log)")

            let text = try await pair.leat(status)
            let json = try await pair.leat(status + ["--json"])
            #expect(text.exitCode == 7 && json.exitCode == 7)
            for word in ["halted", "exit code 7", "public.t", "--on-conflict"] {
                #expect(text.output.contains(word), "\(text.output)")
            }
            let halt = try #require(try halts(json.output).first ?? nil)
            #expect(halt.exit_code == 7 && halt.at.hasSuffix("Z"))
            #expect(outcome.log.contains(halt.message) && halt.advice != nil)

            try await pair.onTarget("delete from t where id = 11")
            try await pair.catchUp()
            let after = try await pair.leat(status + ["--json"])
            #expect(after.exitCode == 0)
            #expect(try halts(after.output).allSatisfy { $0 == nil })
        }
    }

    /// Somebody else has the stream, and it runs.
    @Test("a process that comes second leaves no word in the row of the first")
    func second() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let status = [
                "status", "--json", "--target", pair.target.conninfo(database: pair.database),
            ]
            let leat = try pair.start()
            try await pair.waitForStream(leat)

            let second = try await pair.sync("--state-dir", pair.stateDirectory + "-second")
            #expect(second.exitCode == 4, "\(second.log)")

            #expect(
                try await pair.targetValue("select halt_code is null from leat.progress") == "t")
            #expect(try await leat.terminate() == 0)
            #expect(try await pair.leat(status).exitCode == 0)
        }
    }

    @Test("cleanup asks, and then removes the stream's slot, publication and rows")
    func cleanup() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource("create publication other for table t")
            try await pair.onSource(
                "select pg_create_logical_replication_slot('other_\(pair.stream)', 'pgoutput')")
            let before = try await pair.traces()

            let asking = try await pair.leat(["cleanup"] + pair.places)
            #expect(asking.exitCode == 64)
            #expect(asking.log.contains("--yes"))
            #expect(try await pair.traces() == before)
            let done = try await pair.leat(["cleanup", "--yes"] + pair.places)
            #expect(done.exitCode == 0, "\(done.log)")

            let left = try await pair.traces()
            #expect(left.prefix(2) == ["other_\(pair.stream)", "other"])
            #expect(left.count == 3 && left[2].hasPrefix("public.t: 10 rows"))
            #expect(try await pair.targetValue("select count(*) from leat.tables") == "0")
            #expect(!FileManager.default.fileExists(atPath: pair.stateDirectory))
            let again = try await pair.leat(["cleanup", "--yes"] + pair.places)
            #expect(again.exitCode == 0 && again.output.contains("no stream"))
        }
    }

    @Test("cleanup leaves slots and publications that are not the stream's own")
    func cleanupOfForeign() async throws {
        try await Pair.with(schema: Self.schema) { pair in
            let slot = "mine_\(pair.database)"
            try await pair.onSource("create publication mine for table t")
            try await pair.onSource(
                "select pg_create_logical_replication_slot('\(slot)', 'pgoutput')")
            try await pair.catchUp("--slot", slot, "--no-copy", "--publication", "mine")

            let done = try await pair.leat(["cleanup", "--yes"] + pair.places)

            #expect(done.exitCode == 0, "\(done.log)")
            #expect(done.output.contains("left: slot \(slot)"))
            #expect(done.output.contains("left: publication mine"))
            #expect(try await pair.traces() == [slot, "mine", "public.t: 0 rows, 0"])
        }
    }

    @Test("cleanup without the source says what is left to run there")
    func cleanupOfTarget() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()

            let done = try await pair.leat(
                [
                    "cleanup", "--yes", "--target-only", "--stream", pair.stream,
                    "--target", pair.target.conninfo(database: pair.database),
                    "--state-dir", pair.stateDirectory,
                ])

            #expect(done.exitCode == 0, "\(done.log)")
            #expect(try await pair.targetValue("select count(*) from leat.progress") == "0")
            let left = done.output.split(separator: "\n")
                .compactMap { $0.firstMatch(of: /^left: source, database \w+: (.*;)$/)?.output.1 }
            #expect(left.count == 2)
            for statement in left { try await pair.onSource(String(statement)) }
            #expect(try await pair.traces().count == 1)
            try await pair.catchUp("--truncate", "--yes")
            try await pair.expectEqual()
        }
    }

    @Test("cleanup leaves a publication that took the place of the stream's own")
    func cleanupOfRemadePublication() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            let name = pair.objectName
            try await pair.onSource("drop publication \(name); create publication \(name)")

            let done = try await pair.leat(["cleanup", "--yes"] + pair.places)

            #expect(done.exitCode == 0, "\(done.log)")
            #expect(try await pair.traces().first == name)
        }
    }

    @Test("the JSON log is one valid object a line, warnings and errors included")
    func jsonLog() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let good = try await pair.sync("--log-format", "json", "--endpos", "now", "--verbose")
            try await pair.onTarget("insert into t values (11, 'mine')")
            try await pair.onSource("insert into t values (11, 'theirs')")
            let bad = try await pair.sync("--log-format", "json")

            #expect((good.exitCode, bad.exitCode) == (0, 7))
            for line in (good.log + bad.log).split(separator: "\n") {
                let object = try #require(
                    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                #expect(object["time"] is String && object["level"] is String)
                #expect(object["message"] is String)
            }
            #expect(good.output.isEmpty && bad.output.isEmpty)
            #expect(bad.log.contains(#""exit_code":"7""#) && bad.log.contains(#""advice":"#))
        }
    }

    @Test(
        "wrong usage ends with 64, and quotes no password",
        arguments: [
            ["sync", "--source", "postgresql://u:SECRET@h/d", "--bogus"],
            ["sync", "postgresql://u:SECRET@h/d"],
            ["sync", "--source", "host=h", "password=SECRET", "dbname=d"],
            ["sync", "--copy-jobs", "0", "--source", "host=h password=SECRET dbname=d"],
            ["sync", "--copy-jobs", "password=SECRET"], ["sync", "--binary", "perhaps"],
            ["sync", "--no-copy", "--truncate"], ["sync", "--status-interval", "-1s"],
            ["bogus"], ["status", "--json=SECRET"],
            ["conflicts", "list", "--kind", "bogus"], ["conflicts", "list", "--limit", "0"],
        ])
    func usage(_ arguments: [String]) async throws {
        let (exitCode, output, log) = try await LeatProcess.run(arguments)

        #expect(exitCode == 64)
        #expect(log.contains("Usage:") || log.contains("leat --help"))
        #expect(!(output + log).contains("SECRET"), "\(log)")
    }

    @Test(
        "options without sense end with 2",
        arguments: [
            ["--source", "host=h dbname=d", "--target", "host=h dbname=d", "--stream", "Not!"],
            ["--source", "host=h dbname=d", "--target", "host=h dbname=d", "--stream", ""],
            [
                "--source", "host=h dbname=d", "--target", "host=h dbname=d", "--stream",
                String(repeating: "x", count: 51),
            ],
            ["--source", "host=h dbname=d", "--target", "host=h dbname=d", "--slot", "A-b"],
            ["--source", "host=h dbname=d", "--target", "host=h dbname=d", "--endpos", "soon"],
            ["--source", "host=h dbname=d", "--target", "host=h dbname=d", "--tables", "a."],
            ["--source", "host=h dbname=d", "--target", "host=h dbname=d", "--tables", ""],
            ["--source", "host=h dbname=d", "--target", "host=h dbname=d", "--exclude", "a,"],
            ["--source", "host=h dbname=d replication=1", "--target", "host=h dbname=d"],
            [
                "--source", "host=h dbname=d", "--target", "host=h dbname=d", "--on-conflict",
                "update_exists=apply",
            ],
            ["--source", "host=h user=u password=SECRET", "--target", "host=h dbname=d"],
            ["--source", "dbname=d password=SECRET", "--target", "host=h dbname=d"],
            ["--source", "postgresql://u:SECRET@/d", "--target", "host=h dbname=d"],
            ["--source", "host=h dbname=d", "--target", "host=h password='SECRET"],
            ["--source", "host=h dbname=d", "--target", "postgresql://u:SECRET@h:x:y/d?bad=1"],
            ["--source", "host=h dbname=d"], [],
        ])
    func configuration(_ arguments: [String]) async throws {
        let (exitCode, output, log) = try await LeatProcess.run(
            ["sync"] + arguments, environment: ["PGHOST": "h", "PGDATABASE": "d"])

        #expect(exitCode == 2, "\(log)")
        #expect(!(output + log).contains("SECRET"))
    }

    @Test(
        "a log that has no room, or that nobody reads, ends nothing",
        arguments: ["2> /dev/full", "2>&1 | true"])
    func lostLog(_ place: String) async throws {
        let leat = try LeatProcess.executable()
        let script = "(sleep 0.2; exec '\(leat)' sync) \(place); exit ${PIPESTATUS[0]}"

        let shell = try ChildProcess("/bin/bash", arguments: ["-c", script])

        #expect(try await shell.wait(timeout: .seconds(30)).status == 2)
    }
}
