import Foundation
import LeatTestSupport
import Testing

/// A database and a role whose names mean something to SQL, to a connection string, to a shell and
/// to a terminal.
@Suite("Databases and roles of hostile names")
struct HostileDatabaseTests {
    /// The servers of a pair, with a database and a role of such a name on both.
    private struct Place {
        let pair: Pair
        let name: String
        let role: String

        init(_ pair: Pair) {
            self.pair = pair
            let number = pair.database.dropFirst(3)
            name = "a'b\"c;--\n= $1$$ \\ \u{202E}\u{1B}[2J '\u{301} \(number)"
            role = "r'\"; =\\ \u{202E}\u{1B}c\n$x$ \(number)"
        }

        var archive: String { pair.archive }
        var servers: [TemporaryCluster] { [pair.source, pair.target] }

        static func identifier(_ name: String) -> String {
            "\"\(name.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined())\""
        }

        static func literal(_ text: String) -> String {
            "'\(text.unicodeScalars.map { $0 == "'" ? "''" : String($0) }.joined())'"
        }

        var database: String { Place.identifier(name) }
        var user: String { Place.identifier(role) }

        func source(as role: String? = nil) -> [String] {
            ["--source", pair.source.conninfo(database: name, user: role ?? self.role)]
        }

        var target: [String] { ["--target", pair.target.conninfo(database: name, user: role)] }

        var stream: [String] {
            ["--stream", pair.stream, "--state-dir", pair.stateDirectory]
        }

        func onSource(_ sql: String) async throws {
            try await pair.source.sql(sql, database: name)
        }

        func expectEqual(sourceLocation: SourceLocation = #_sourceLocation) async throws {
            let left = try await pair.source.databaseHash(name)
            let right = try await pair.target.databaseHash(name)
            #expect(left == right && !left.isEmpty, sourceLocation: sourceLocation)
        }

        func make() async throws {
            for server in servers {
                try await server.sql("create role \(user) login")
                try await server.sql(
                    "create database \(database) template template0 owner \(user)")
                try await server.sql(
                    """
                    create table t (id int primary key, v text); alter table t owner to \(user);
                    """, database: name)
            }
            try await pair.source.sql("alter role \(user) replication")
            try await onSource("insert into t values (1, 'one'), (2, 'two')")
        }

        func remove() async {
            for server in servers {
                for sql in [
                    """
                    select pg_terminate_backend(pid, 5000) from pg_stat_activity
                    where datname = \(Place.literal(name)) and pid <> pg_backend_pid()
                    """,
                    """
                    select pg_drop_replication_slot(slot_name) from pg_replication_slots
                    where database = \(Place.literal(name))
                    """, "drop database if exists \(database) with (force)",
                    "drop role if exists \(user)",
                ] { _ = try? await server.sql(sql) }
            }
        }

        @discardableResult
        func run(
            _ words: [String], _ code: Int32 = 0, values: Bool = false,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws -> Pair.Outcome {
            let outcome = try await pair.leat(words)
            outcome.expectClean(
                code, words.joined(separator: " "), values: values, sourceLocation: sourceLocation)
            return outcome
        }
    }

    private static func with(
        _ versions: Pair.Versions = .init(.v16, .v18), _ body: (Place) async throws -> Void
    ) async throws {
        try await Pair.with(versions) { pair in
            let place = Place(pair)
            do {
                try await place.make()
                try await body(place)
            } catch {
                await place.remove()
                throw error
            }
            await place.remove()
        }
    }

    @Test("are read, written and printed as they are, by every command")
    func everyCommand() async throws {
        try await Self.with { place in
            let (source, both) = (place.source(), place.source() + place.target)
            try await place.run(["publication", "create", "p", "--tables", "t"] + source)
            try await place.run(
                ["publication", "alter", "p", "--publish", "insert,update,delete", "--yes"] + source
            )
            try await place.run(["publication", "list", "--json"] + both)
            let slot = "slot_\(place.pair.database)"
            try await place.run(["slot", "create", slot] + source)
            try await place.onSource("update t set v = 'other' where id = 1")
            for words in [
                ["list", "--details"], ["list", "--json"], ["lag", slot], ["peek", slot],
                ["advance", slot, "now", "--yes"], ["drop", slot, "--yes"],
            ] { try await place.run(["slot"] + words + source) }
            try await place.run(["publication", "drop", "p", "--yes"] + source)

            let sync = ["sync"] + both + place.stream + ["--endpos", "now", "--verbose"]
            for options in [[], ["--spool", place.pair.spool]] {
                try await place.run(sync + options)
                try await place.onSource("insert into t select max(id) + 1, 'more' from t")
                try await place.run(sync + options)
                try await place.expectEqual()
                try await place.run(["status", "--json"] + both)
                try await place.run(["conflicts", "list", "--json"] + place.target)
                try await place.run(["cleanup", "--yes"] + both + place.stream)
                try await place.pair.target.sql("truncate t", database: place.name)
            }
            try await archives(place)
        }
    }

    /// With the schema, by way of `pg_dump`.
    private func archives(_ place: Place) async throws {
        let record =
            ["record", "--archive", place.archive, "--endpos", "now", "--verbose"]
            + place.source() + place.stream
        let program = place.pair.source.installation.program("pg_dump")
        try await place.run(record + ["--with-base", "--pg-dump", program])
        try await place.onSource("update t set v = 'recorded' where id = 2")
        try await place.run(record)
        for words in [["list"], ["info"], ["verify"], ["export"]] {
            try await place.run(["archive"] + words + [place.archive])
        }
        try await place.pair.target.sql("drop table t", database: place.name)
        try await place.run(
            ["replay", "--archive", place.archive, "--schema", "--verbose"] + place.target)
        try await place.expectEqual()
        try await place.run(["cleanup", "--yes"] + place.source() + place.target + place.stream)
    }

    @Test("what is printed for them runs as it stands: statements, and commands in a shell")
    func printed() async throws {
        try await Self.with { place in
            let pair = place.pair
            try await pair.target.sql("drop table t", database: place.name)
            let sync =
                ["sync"] + place.source() + place.target + place.stream + ["--endpos", "now"]
            let lacksTable = try await place.run(sync + ["--strict"], 6)
            let dump = try #require(
                lacksTable.log.split(separator: "\n").last { $0.hasPrefix("pg_dump") },
                "\(lacksTable.log)")
            try await pair.shell(String(dump), by: "/bin/bash")
            try await pair.source.sql(
                "alter table t owner to postgres; revoke all on table t from \(place.user)",
                database: place.name)

            let lacksPublication = try await place.run(sync, 6)
            let statements = pair.printedStatements(in: lacksPublication.log)
            #expect(!statements.isEmpty, "\(lacksPublication.log)")
            for statement in statements { try await place.onSource(statement) }
            let named = sync + ["--publication", "leat_\(pair.stream)_pub"]
            let lacksRights = try await place.run(named, 6)
            let grants = pair.printedStatements(in: lacksRights.log)
            #expect(grants.contains { $0.hasPrefix("grant ") }, "\(lacksRights.log)")
            for grant in grants { try await place.onSource(grant) }
            try await place.run(named)
            try await place.expectEqual()
            try await place.run(
                ["cleanup", "--yes"] + place.source() + place.target + place.stream)
        }
    }

    @Test("a slot of such a database is named with the connection that leads to it")
    func otherDatabase() async throws {
        try await Self.with { place in
            let slot = "slot_\(place.pair.database)"
            try await place.run(["slot", "create", slot] + place.source())
            let elsewhere = ["--source", place.pair.source.conninfo(database: "postgres")]

            for words in [["advance", slot, "now", "--dry-run"], ["peek", slot]] {
                let outcome = try await place.run(["slot"] + words + elsewhere, 2)

                #expect(outcome.log.contains(#"dbname='a\'b"c;--"#), "\(outcome.log)")
            }
            try await place.run(["slot", "drop", slot, "--yes"] + place.source())
        }
    }
}
