import Foundation
import LeatTestSupport
import Testing

@Suite("Limits of the process: few files, little memory")
struct LimitTests {
    private func limited(
        _ limit: String, _ arguments: [String]
    ) async throws -> (exit: ProcessExit, log: String) {
        let leat = try ChildProcess(
            "/usr/bin/prlimit", arguments: [limit, try LeatProcess.executable()] + arguments)
        let exit = try await leat.wait(timeout: .patience)
        return (exit, leat.errorOutput)
    }

    @Test("a process that may open too few files says so", arguments: [10, 14, 18, 63])
    func fewFiles(_ files: Int) async throws {
        let (exit, log) = try await limited(
            "--nofile=\(files)",
            [
                "sync", "--source", "host=/nowhere dbname=x", "--target", "host=/nowhere dbname=y",
                "--state-dir", NSTemporaryDirectory() + "/leat-few",
            ])

        #expect(exit == .code(2), "\(log)")
        #expect(log.contains("may have only \(files) files open"))
    }

    @Test("transactions in progress take no file each")
    func inProgress() async throws {
        var source = TemporaryCluster.Options()
        source.settings = [
            "logical_decoding_work_mem": "64kB", "max_prepared_transactions": "200",
        ]
        let tables = "create table t (id int primary key, x text);"
        try await StreamFixture.withOwnServers(.v16, source: source, tables: tables) { stream in
            let leat = try stream.start()
            try await stream.waitUntilStreaming()
            let open = try FileManager.default.contentsOfDirectory(
                atPath: "/proc/\(leat.processID)/fd"
            ).count
            let limit = try ChildProcess(
                "/usr/bin/prlimit",
                arguments: ["--pid", "\(leat.processID)", "--nofile=\(open + 30)"])
            #expect(try await limit.wait(timeout: .seconds(10)) == .code(0))
            let prepare = (1...150).map { number in
                """
                begin;
                insert into t select \(number) * 1000 + i, repeat(md5(i::text), 10)
                from generate_series(1, 300) i;
                prepare transaction 'p\(number)';
                """
            }
            let commit = (1...150).map { "commit prepared 'p\($0)';" }

            try await stream.source.run(
                script: (prepare + commit).joined(separator: "\n"), database: stream.database)
            try await stream.waitUntilCaughtUp()

            #expect(
                try await stream.target.scalar(
                    "select count(*) from t", database: stream.database) == "45000")
            #expect(leat.exit == nil)
        }
    }

    @Test(
        "a row for which there is no memory ends with words and an exit code",
        arguments: [(false, 700), (true, 900), (true, 1400)])
    func noMemory(_ streams: Bool, _ megabytes: Int) async throws {
        let row = "insert into t values (1, repeat('a', 240000000))"
        try await Pair.with(schema: "create table t (id int primary key, x text)") { pair in
            if streams { try await pair.catchUp() }
            try await pair.onSource(row)

            let (exit, log) = try await limited(
                "--as=\(megabytes << 20)",
                ["sync"] + pair.places + ["--status-interval", "200ms", "--endpos", "now"])

            #expect(exit == .code(9), "\(log)")
            #expect(log.contains("This machine refuses Leat"))
            #expect(try await pair.targetValue("select count(*) from t") == "0")
        }
    }
}
