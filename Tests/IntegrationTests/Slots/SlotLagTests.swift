import Foundation
import LeatTestSupport
import Testing

@Suite("leat slot lag")
struct SlotLagTests {
    private struct Report: Decodable {
        var slot: String, position: String, wal_end: String, lag_bytes: Int, lag_seconds: Double?
        var lag_seconds_from: String?, retained_bytes: Int?, is_active: Bool
        var stream: ListedSlot.Stream?
    }

    private func report(_ outcome: Pair.Outcome) throws -> Report {
        try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
    }

    @Test("tells bytes and seconds, and moves nothing", arguments: PostgresVersion.allCases)
    func measures(_ version: PostgresVersion) async throws {
        try await SlotServer.with(version) { server in
            try await server.sql("create role plain login")
            try await server.sql("select pg_create_logical_replication_slot('s', 'pgoutput')")
            try await server.writeWAL(40)
            try await server.sql("checkpoint")
            // Files of the WAL that were finished before.
            try await server.cluster.waitUntil(
                sql: """
                    select clock_timestamp() - checkpoint_time > '1.5s'
                    from pg_control_checkpoint()
                    """)
            let before = try await server.positions()

            let whole = try report(try await server.slot("lag", "s", "--json"))
            let plain = try report(try await server.slot("lag", "s", "--json", user: "plain"))
            let text = try await server.slot("lag", "s")

            #expect(whole.lag_bytes >= 40 << 20 && whole.lag_bytes < 60 << 20)
            #expect(whole.lag_seconds_from == "wal_file")
            #expect(try #require(whole.lag_seconds) > 1.5)
            #expect(plain.lag_seconds_from == "checkpoint")
            #expect(try #require(plain.lag_seconds) > 1.5)
            #expect(plain.lag_bytes >= 40 << 20 && !plain.is_active)
            #expect(text.output.contains("lag         4") && text.output.contains("at least "))
            #expect(text.output.contains("nobody reads it"))
            #expect(try await server.positions() == before)
        }
    }

    @Test(
        "as a Nagios plugin prints one line and ends with its state",
        arguments: PostgresVersion.allCases)
    func check(_ version: PostgresVersion) async throws {
        try await SlotServer.with(version, keep: "32MB") { server in
            try await server.sql("select pg_create_logical_replication_slot('s', 'pgoutput')")
            try await server.writeWAL(2)
            func check(_ name: String, _ more: String...) async throws -> Pair.Outcome {
                try await server.slot(["lag", name] + more + server.source())
            }

            let ok = try await check("s", "--warn", "10MB", "--critical", "20MB")
            let warning = try await check("s", "--warn", "1MB", "--warn", "1d", "--critical", "2d")
            let critical = try await check("s", "--critical", "1kB")
            let missing = try await check("none", "--warn", "1GB")
            try await server.writeWAL(64)
            try await server.sql("checkpoint")
            let lost = try await check("s", "--warn", "1TB")
            let plainLost = try await check("s")
            let unknown = try await server.slot(
                ["lag", "s", "--warn", "1MB", "--source", "host=127.0.0.1 port=1 dbname=x"])

            for (outcome, code, word) in [
                (ok, 0, "SLOT OK - s: 2."), (warning, 1, "SLOT WARNING - s: 2."),
                (critical, 2, "SLOT CRITICAL - s: 2."), (missing, 2, "SLOT CRITICAL - The source"),
                (lost, 2, "SLOT CRITICAL - Slot s is lost"), (unknown, 3, "SLOT UNKNOWN - Cannot"),
            ] as [(Pair.Outcome, Int32, String)] {
                #expect(
                    outcome.exitCode == code && outcome.output.hasPrefix(word), "\(outcome.text)")
                #expect(outcome.output.split(separator: "\n").count == 1, "\(outcome.text)")
                #expect(outcome.log.isEmpty, "\(outcome.log)")
            }
            #expect(warning.output.contains("B;1048576; lag_seconds="))
            #expect(warning.output.contains(";86400;172800 retained_bytes="))
            #expect(plainLost.exitCode == 8)
            #expect(try await check("s", "--warn", "5").exitCode == 64)
            #expect(try await check("s", "--warn", "5s", "--json").exitCode == 64)
        }
    }

    @Test("knows the stream of a slot, and that it is read")
    func ofStream() async throws {
        let schema = "create table t (id int primary key)"
        try await Pair.with(.init(.v18, .v16), schema: schema) { pair in
            let sync = try pair.start()
            try await pair.waitForStream(sync)

            let lag = try report(
                try await pair.leat([
                    "slot", "lag", pair.objectName, "--json",
                    "--source", pair.source.conninfo(database: pair.database),
                    "--target", pair.target.conninfo(database: pair.database),
                ]))

            #expect(lag.is_active && lag.stream?.name == pair.stream)
            #expect(try await sync.terminate() == 0)
        }
    }

    @Test("--watch prints a line each time, and knows the age of what it saw come")
    func watch() async throws {
        try await SlotServer.with(.v18) { server in
            try await server.sql("create table t (id int primary key)")
            try await server.sql("select pg_create_logical_replication_slot('s', 'pgoutput')")
            let command = ["slot", "lag", "s", "--watch", "--interval", "100ms"] + server.source()
            let watch = try LeatProcess(command + ["--json"])
            try await watch.waitForOutput(containing: "lag_bytes")
            try await server.sql("insert into t values (1)")

            try await watch.waitForOutput(containing: "\"lag_seconds_from\":\"watch\"")

            #expect(try await watch.terminate() == 0)
            let text = try LeatProcess(command)
            try await text.waitForOutput(containing: "idle")
            #expect(try await text.terminate() == 0)
            #expect(text.output.contains("LAG") && text.output.contains("WRITTEN/S"))
        }
    }
}
