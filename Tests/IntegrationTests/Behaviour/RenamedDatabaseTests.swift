import LeatArchive
import LeatTestSupport
import Testing

@Suite("Databases that get another name")
struct RenamedDatabaseTests {
    private static let schema = "create table t (id int primary key, v text)"
    private static let rows = "insert into t select i, 'v' from generate_series(1, 10) i"

    @Test("are followed all the same, whichever it is", arguments: [false, true])
    func followed(_ isSpooled: Bool) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let spool = isSpooled ? ["--spool", pair.spool] : []
            try await pair.catchUp(options: spool)

            for server in [pair.source, pair.target] {
                try await Self.rename(pair.database, Self.other(pair), server)
            }
            try await pair.source.sql("insert into t values (11, 'w')", database: Self.other(pair))
            let outcome = try await Self.sync(pair, spool)
            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(outcome.log.contains("source's database was renamed"))
            #expect(outcome.log.contains("target's database was renamed"))
            let again = try await Self.sync(pair, spool)
            #expect(again.exitCode == 0 && !again.log.contains("renamed"), "\(again.log)")

            for server in [pair.source, pair.target] {
                try await Self.rename(Self.other(pair), pair.database, server)
            }
            try await pair.onSource("insert into t values (12, 'x')")
            try await pair.catchUp(options: spool)
            try await pair.expectEqual()
            if isSpooled {
                #expect(try ArchiveReaders(pair.spool).all().count == 1)
            }
        }
    }

    @Test("but one that was made from a template under the old name is another")
    func copied() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await Self.rename(pair.database, Self.other(pair), pair.target)
            try await pair.target.sql(
                "create database \(pair.database) template \(Self.other(pair))")

            try await pair.expectRefusal(8, "this target is a copy of it")

            try await pair.target.sql("drop database \(Self.other(pair)) with (force)")
        }
    }

    @Test("are recorded on, under the name with which the archive began")
    func recorded() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let begun = try await pair.record(
                "--with-base", "--pg-dump", pair.source.installation.program("pg_dump"))
            #expect(begun.exitCode == 0, "\(begun.log)")
            try await Self.rename(pair.database, Self.other(pair), pair.source)
            try await pair.source.sql("insert into t values (11, 'w')", database: Self.other(pair))

            var arguments = pair.recording + ["--endpos", "now"]
            arguments[2] = pair.source.conninfo(database: Self.other(pair))
            let recorded = try await pair.leat(arguments)
            #expect(recorded.exitCode == 0, "\(recorded.log)")
            try await Self.rename(Self.other(pair), pair.database, pair.source)
            let played = try await pair.leat(
                [
                    "replay", "--archive", pair.archive, "--target",
                    pair.target.conninfo(database: pair.database), "--stream", "played",
                ])

            #expect(played.exitCode == 0, "\(played.log)")
            try await pair.expectEqual()
        }
    }

    private static func other(_ pair: Pair) -> String { "\(pair.database)_new" }

    /// A walsender that has just ended may still be there.
    private static func rename(
        _ from: String, _ to: String, _ server: TemporaryCluster
    ) async throws {
        try await server.sql(
            """
            select pg_terminate_backend(pid, 5000) from pg_stat_activity
            where datname = '\(from)' and pid <> pg_backend_pid();
            alter database \(from) rename to \(to)
            """)
    }

    private static func sync(_ pair: Pair, _ options: [String]) async throws -> Pair.Outcome {
        try await pair.leat(
            [
                "sync", "--source", pair.source.conninfo(database: other(pair)),
                "--target", pair.target.conninfo(database: other(pair)), "--stream", pair.stream,
                "--state-dir", pair.stateDirectory, "--endpos", "now",
            ] + options)
    }
}
