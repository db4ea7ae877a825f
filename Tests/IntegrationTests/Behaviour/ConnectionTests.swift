import Foundation
import LeatTestSupport
import Testing

@Suite("Servers that let nobody in")
struct ConnectionTests {
    @Test("end it with 3 or 4, say where and as whom, and quote no password")
    func refused() async throws {
        var options = TemporaryCluster.Options()
        options.hbaLines = [
            "local all all trust", "host all postgres 127.0.0.1/32 trust",
            "host all all 127.0.0.1/32 scram-sha-256",
        ]
        let server = try await TemporaryCluster.started(.v18, options: options)
        let schema = "create table t (id int primary key)"
        let target = try await ClusterPool.shared.cluster(.v18, as: .target)
        try await Pair.with(server, target, schema: schema) { pair in
            try await pair.onSource("create role guarded login replication password 'RIGHTSECRET'")
            let database = pair.database
            let place = "host=127.0.0.1 port=\(server.port)"
            let uri = "postgresql://guarded:WRONGSECRET@127.0.0.1:\(server.port)/\(database)"
            let cases: [(options: [String], code: Int32, words: [String])] = [
                (["--source", uri], 3, ["source", "guarded", "password authentication failed"]),
                (
                    ["--source", place + " user=guarded dbname=\(database) password=WRONGSECRET"],
                    3, ["source", "password authentication failed"]
                ),
                (
                    ["--source", place + " user=postgres dbname=absent password=WRONGSECRET"],
                    3, ["source", "\"absent\" does not exist"]
                ),
                (
                    ["--target", place + " user=absent dbname=\(database) password=WRONGSECRET"],
                    4, ["target", "user=absent"]
                ),
                (
                    ["--target", "host=127.0.0.1 port=1 dbname=d user=u password=WRONGSECRET"],
                    4, ["target", "port=1"]
                ),
                (
                    ["--source", "host=absent.invalid dbname=d password=WRONGSECRET"],
                    3, ["source", "absent.invalid"]
                ),
            ]
            for (options, code, words) in cases {
                let before = try await pair.traces()
                let outcome = try await pair.leat(["sync", "--verbose"] + pair.places + options)

                #expect(outcome.exitCode == code, "\(outcome.log)")
                for word in words { #expect(outcome.log.contains(word), "\(outcome.log)") }
                #expect(!outcome.text.contains("SECRET"))
                #expect(try await pair.traces() == before)
            }
            // And with the right one, from a URI, it runs; nobody sees it either.
            try await pair.onSource(
                "create publication pub for all tables; insert into t values (1)")
            try await pair.onSource("grant select on t to guarded")
            let right = uri.replacing("WRONG", with: "RIGHT")
            let outcome = try await pair.sync(
                "--source", right, "--publication", "pub", "--endpos", "now", "--verbose")
            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(outcome.log.contains("seen by everyone"))
            #expect(!outcome.text.contains("SECRET"))
            try await pair.expectEqual()
        }
        try await server.remove()
    }

    /// In two steps, as everybody does it: on the server, and then where Leat reads it.
    @Test("and one that refuses for a while only, for a password was changed, is asked again")
    func passwordChanged() async throws {
        var options = TemporaryCluster.Options()
        options.hbaLines = [
            "local all all trust", "host all postgres 127.0.0.1/32 trust",
            "host all all 127.0.0.1/32 scram-sha-256",
        ]
        let server = try await TemporaryCluster.started(.v15, options: options)
        let target = try await ClusterPool.shared.cluster(.v15, as: .target)
        try await Pair.with(server, target, schema: "create table t (id int primary key)") { pair in
            try await pair.onSource("create role changing login replication password 'FIRST'")
            try await pair.onSource("create publication pub for all tables")
            try await pair.onSource("grant select on t to changing")
            let file = URL(fileURLWithPath: "\(server.folder)/passwords")
            func write(_ password: String) throws {
                try Data("*:*:*:changing:\(password)\n".utf8).write(to: file)
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o600], ofItemAtPath: file.path)
            }
            try write("FIRST")
            let leat = try LeatProcess(
                ["sync"] + pair.places + [
                    "--source",
                    "host=127.0.0.1 port=\(server.port) user=changing "
                        + "dbname=\(pair.database)", "--publication", "pub",
                ], environment: ["PGPASSFILE": file.path])
            try await pair.waitForStream(leat)

            try await pair.onSource("alter role changing password 'SECOND'")
            try await pair.onSource(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'changing'")
            try await leat.waitForOutput(containing: "[28P01]")
            try await leat.waitForOutput(containing: "is read at each try")
            try write("SECOND")

            try await pair.onSource("insert into t values (1)")
            try await pair.waitUntilApplied()
            #expect(leat.exit == nil)
            #expect(leat.log.matches(of: /is read at each try/).count == 1, "\(leat.log)")
            #expect(try await leat.terminate() == 0)
        }
        try await server.remove()
    }

    @Test("and one whose limit of connections is reached is asked again, with what to do")
    func connectionLimit() async throws {
        try await Pair.with(schema: "create table t (id int primary key)") { pair in
            let role = "narrow_\(pair.database)"
            try await pair.onSource("create role \(role) replication login connection limit 1")
            try await pair.onSource("grant select on t to \(role)")
            try await pair.onSource("create publication pub for all tables")
            let leat = try LeatProcess(
                ["sync"] + pair.places + [
                    "--source", pair.source.conninfo(database: pair.database, user: role),
                    "--publication", "pub",
                ])
            try await leat.waitForOutput(containing: "[53300]")
            try await leat.waitForOutput(containing: "--copy-jobs 1 needs the fewest")

            try await pair.onSource("alter role \(role) connection limit -1")
            try await pair.waitForStream(leat)
            #expect(try await leat.terminate() == 0)
            try await pair.onSource("alter role \(role) nologin")
        }
    }

    /// libpq itself has no time limit for a host where it does not block.
    @Test("and a silent host of a list leaves time for the others")
    func silentHost() async throws {
        try await Pair.with(
            schema: "create table t (id int primary key)", rows: "insert into t values (1)"
        ) { pair in
            let silent = try TCPProxy(to: pair.target.port)
            silent.stall()
            let list =
                "host=127.0.0.1,127.0.0.1 port=\(silent.port),\(pair.target.port) "
                + "user=postgres dbname=\(pair.database) connect_timeout=2"
            let outcome = try await pair.sync("--target", list, "--endpos", "now")

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            try await pair.expectEqual()
        }
    }

    /// It would give a session's locks and settings to others.
    @Test("and a pooler in between is refused")
    func pooled() async throws {
        try await Pair.with(schema: "create table t (id int primary key)") { pair in
            let before = try await pair.traces()
            for (side, server, code) in [
                ("source", pair.source, Int32(3)), ("target", pair.target, 4),
            ] {
                let proxy = try TCPProxy(to: server.port)
                proxy.pool()

                let outcome = try await pair.leat(
                    ["sync"] + pair.places
                        + ["--\(side)", proxy.conninfo(database: pair.database)])

                #expect(outcome.exitCode == code, "\(outcome.log)")
                #expect(outcome.log.contains("pooler stands between Leat and the \(side)"))
                proxy.remove()
            }
            #expect(try await pair.traces() == before)
        }
    }
}
