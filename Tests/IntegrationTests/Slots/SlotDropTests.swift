import LeatTestSupport
import Testing

@Suite("leat slot drop")
struct SlotDropTests {
    @Test(
        "drops slots of every kind and says what becomes free",
        arguments: PostgresVersion.allCases)
    func drops(_ version: PostgresVersion) async throws {
        try await SlotServer.with(version, keep: "48MB") { server in
            try await server.sql("create role repl login replication")
            try await server.sql("select pg_create_logical_replication_slot('victim', 'pgoutput')")
            try await server.writeWAL(80)
            try await server.sql("checkpoint")
            try await server.sql("select pg_create_logical_replication_slot('old', 'pgoutput')")
            try await server.sql("select pg_create_physical_replication_slot('same_age', true)")
            try await server.writeWAL(20)
            try await server.cluster.run(
                script: """
                    checkpoint;
                    select pg_create_physical_replication_slot('phys', true);
                    select pg_create_physical_replication_slot('unused');
                    """, database: server.database)
            let before = try await server.positions()

            let lost = try await server.slot("drop", "victim", "unused", "--yes", user: "repl")
            let dry = try await server.slot("drop", "old", "same_age", "--dry-run", user: "repl")
            let missing = try await server.slot("drop", "phys", "absent", "--yes")
            let asked = try await server.slot("drop", "old")
            let left = before.filter { !$0.hasPrefix("victim ") && !$0.hasPrefix("unused ") }
            #expect(try await server.positions() == left)
            let both = try await server.slot("drop", "old", "same_age", "--yes", user: "repl")
            let rest = try await server.slot("drop", "phys", "absent", "--if-exists", "--yes")

            #expect(lost.exitCode == 0, "\(lost.log)")
            #expect(lost.output.contains("no WAL becomes free"))
            #expect(dry.output.contains("select pg_catalog.pg_drop_replication_slot('old');"))
            #expect(dry.output.contains("of WAL would become free"))
            #expect(missing.exitCode == 2 && missing.log.contains("no slot absent"))
            #expect(asked.exitCode == 64 && asked.log.contains("--yes"))
            #expect(both.output.contains("dropped slot old\ndropped slot same_age\n2"))
            #expect(both.output.contains("MiB of WAL becomes free at the next checkpoint"))
            #expect(rest.exitCode == 0 && rest.output.contains("no slot absent"))
            #expect(try await server.names().isEmpty)
        }
    }

    @Test(
        "an active slot is refused; --terminate ends its walsender and no other",
        arguments: PostgresVersion.allCases)
    func active(_ version: PostgresVersion) async throws {
        try await SlotServer.with(version) { server in
            try await server.sql("create role repl login replication")
            let readers = try ["mine", "other"].map { name in
                try server.receive(name)
            }
            defer { for reader in readers { reader.signal(15) } }
            for name in ["mine", "other"] { try await server.waitForReader(name) }
            let pid = "select active_pid from pg_replication_slots where slot_name = 'other'"
            let other = try await server.value(pid)

            let refused = try await server.slot("drop", "mine", "--yes")
            let unprivileged = try await server.slot(
                "drop", "mine", "--yes", "--terminate", user: "repl")
            #expect(try await server.names() == ["mine", "other"])
            let dropped = try await server.slot("drop", "mine", "--yes", "--terminate")

            #expect(refused.exitCode == 3 && refused.log.contains("in use by walsender"))
            #expect(refused.log.contains("--terminate"))
            #expect(unprivileged.exitCode == 3, "\(unprivileged.log)")
            #expect(unprivileged.log.contains("may not end the walsender"))
            #expect(dropped.exitCode == 0, "\(dropped.log)")
            #expect(try await server.names() == ["other"])
            #expect(try await server.value(pid) == other)
        }
    }

    @Test(
        "the slot of a stream that is not finished needs --yes", arguments: PostgresVersion.allCases
    )
    func ofStream(_ version: PostgresVersion) async throws {
        let schema = "create table t (id int primary key)"
        try await Pair.with(.init(version, version), schema: schema) { pair in
            try await pair.catchUp()
            try await pair.onSource("insert into t values (1)")
            let name = pair.objectName
            let source = ["--source", pair.source.conninfo(database: pair.database)]
            let places = source + ["--target", pair.target.conninfo(database: pair.database)]

            let refused = try await pair.leat(["slot", "drop", name] + places)
            let blind = try await pair.leat(["slot", "drop", name] + source)
            let dry = try await pair.leat(["slot", "drop", name, "--dry-run"] + places)
            let away = try await pair.leat(
                ["slot", "drop", name, "--yes"] + source
                    + ["--target", "host=127.0.0.1 port=1 dbname=x"])
            #expect(try await pair.traces().contains(name))
            let forced = try await pair.leat(["slot", "drop", name, "--yes"] + places)

            #expect(refused.exitCode == 6, "\(refused.log)")
            #expect(refused.log.contains("belongs to stream \(pair.stream)"))
            #expect(blind.exitCode == 6 && blind.log.contains("Give --target"))
            #expect(dry.exitCode == 0 && dry.output.contains("-- needs --yes"))
            #expect(away.exitCode == 4)
            #expect(forced.exitCode == 0, "\(forced.log)")
            #expect(try await pair.leat(["sync"] + pair.places).exitCode == 8)
        }
    }
}

extension SlotServer {
    /// Makes a slot and reads from it with `pg_recvlogical`, which connects again when it loses it.
    func receive(_ slot: String) throws -> ChildProcess {
        try ChildProcess(
            "bash",
            arguments: [
                "-c",
                """
                \(cluster.installation.program("pg_recvlogical")) --create-slot --if-not-exists \
                --slot \(slot) --plugin pgoutput -d \(database) && exec \
                \(cluster.installation.program("pg_recvlogical")) --start --slot \(slot) -d \(database) -f - \
                -o proto_version=1 -o publication_names=none > /dev/null
                """,
            ],
            environment: [
                "PGHOST": "127.0.0.1", "PGPORT": "\(cluster.port)", "PGUSER": "postgres",
            ])
    }

    func waitForReader(_ slot: String) async throws {
        try await cluster.waitUntil(
            sql: "select active_pid is not null from pg_replication_slots "
                + "where slot_name = '\(slot)'")
    }
}
