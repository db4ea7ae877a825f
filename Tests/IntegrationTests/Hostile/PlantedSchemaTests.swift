import LeatTestSupport
import Testing

/// Somebody who may create schemas on the target, or only connect to it.
@Suite("Another role of the target")
struct PlantedSchemaTests {
    private static let schema = "create table t (id int primary key, v text)"
    private static let rows = "insert into t values (1, 'a')"

    /// Calls of a function that would run with Leat's rights, and its owner.
    private struct Mallory {
        let pair: Pair
        var name: String { "mallory_\(pair.database)" }

        static func with(_ body: (Pair, Mallory) async throws -> Void) async throws {
            try await Pair.with(schema: PlantedSchemaTests.schema, rows: PlantedSchemaTests.rows) {
                pair in
                let mallory = Mallory(pair: pair)
                try await pair.target.sql(
                    """
                    create role \(mallory.name) login;
                    grant create on database \(pair.database) to \(mallory.name)
                    """)
                try await mallory.run(
                    """
                    create schema mallory;
                    create table mallory.calls (caller text);
                    grant all on schema mallory to public; grant all on mallory.calls to public;
                    create function mallory.call() returns text volatile language plpgsql as $$
                      begin insert into mallory.calls values (current_user); return 'x'; end $$;
                    create function mallory.fire() returns trigger language plpgsql as $$
                      begin perform mallory.call(); return new; end $$;
                    """)
                do {
                    try await body(pair, mallory)
                } catch {
                    try? await mallory.remove()
                    throw error
                }
                #expect(try await pair.targetValue("select count(*) from mallory.calls") == "0")
                try await mallory.remove()
            }
        }

        func run(_ sql: String) async throws {
            _ = try await pair.target.sql(sql, database: pair.database, user: name)
        }

        private func remove() async throws {
            try await pair.onTarget("drop owned by \(name) cascade")
            try await pair.target.sql("drop role \(name)")
        }
    }

    private static let plantings = [
        """
        create table leat.progress (stream text primary key, state text, end_lsn pg_lsn);
        create trigger fires before insert or update or delete on leat.progress for each row
          execute function mallory.fire();
        alter table leat.progress enable always trigger fires;
        """,
        "create view leat.progress as select mallory.call() as stream, 'x' as state;",
        """
        create table leat.progress (stream text primary key, state text default mallory.call());
        """,
        "create table leat.conflicts (id int, stream text check (mallory.call() is not null));",
        """
        create table leat.tables (stream text);
        create rule r as on insert to leat.tables do also select mallory.call();
        """,
    ]

    @Test("that has made schema leat before Leat gets none of its rights", arguments: plantings)
    func planted(_ objects: String) async throws {
        try await Mallory.with { pair, mallory in
            try await mallory.run("create schema leat; grant all on schema leat to public")
            try await mallory.run(objects)
            try await mallory.run("grant all on all tables in schema leat to public")

            let refused = try await pair.sync("--endpos", "now")
            #expect(refused.exitCode == 6, "\(refused.log)")
            #expect(refused.log.contains("Schema leat of the target"), "\(refused.log)")
            let target = ["--target", pair.target.conninfo(database: pair.database)]
            let source = ["--source", pair.source.conninfo(database: pair.database)]
            for command in [
                ["status"] + target, ["conflicts", "list"] + target,
                ["slot", "list"] + source + target, ["publication", "list"] + source + target,
                ["cleanup", "--target-only", "--yes", "--stream", pair.stream] + target,
            ] {
                let outcome = try await pair.leat(command)
                #expect([0, 2, 6].contains(outcome.exitCode), "\(command): \(outcome.log)")
            }
        }
    }

    @Test("that attaches something to Leat's own tables stops the next start, which says what")
    func attached() async throws {
        try await Mallory.with { pair, mallory in
            try await pair.catchUp()
            try await pair.onTarget("grant usage on schema leat to \(mallory.name)")
            try await pair.onTarget("grant trigger on leat.tables to \(mallory.name)")
            try await mallory.run(
                """
                create trigger fires before update on leat.tables for each row
                  execute function mallory.fire()
                """)

            try await pair.expectRefusal(6, "trigger fires of tables")

            try await pair.onTarget("drop trigger fires on leat.tables")
            try await pair.catchUp()
        }
    }

    @Test("that owns what Leat ran as before is named, with the way on")
    func formerOwner() async throws {
        try await Mallory.with { pair, mallory in
            try await pair.catchUp()
            try await pair.onTarget("alter table leat.progress owner to \(mallory.name)")

            let refused = try await pair.expectRefusal(6, "table leat.progress of role mallory")
            try await pair.mend(refused.log)

            try await pair.catchUp()
        }
    }

    @Test("that holds the stream's locks keeps nobody out, and lets nobody in twice")
    func locks() async throws {
        try await Mallory.with { pair, mallory in
            let holding = Task {
                try? await mallory.run(
                    """
                    select pg_advisory_lock(1818583412, hashtext('\(pair.stream)')),
                      pg_advisory_lock(1818583413, hashtext('\(pair.stream)')),
                      pg_advisory_lock(1818386805, 0), pg_sleep(600)
                    """)
            }
            try await pair.target.waitUntil(
                sql: """
                    select count(*) >= 3 from pg_locks l join pg_database d on d.oid = l.database
                    where locktype = 'advisory' and granted and datname = '\(pair.database)'
                    """)
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            try await pair.onSource("insert into t values (2, 'b')")
            try await pair.waitUntilApplied()

            let second = try await pair.sync(
                "--endpos", "now", "--state-dir", pair.stateDirectory + "-second")
            #expect(second.exitCode == 4, "\(second.log)")
            #expect(second.log.contains("is held by another process"), "\(second.log)")
            let status = try await pair.leat([
                "status", "--json", "--target", pair.target.conninfo(database: pair.database),
            ])
            #expect(status.output.contains("\"is_running\" : true"), "\(status.output)")
            #expect(try await leat.terminate() == 0, "\(leat.log)")
            #expect(try await pair.targetValue("select count(*) from t") == "2")
            try await pair.target.sql(
                """
                select pg_terminate_backend(pid) from pg_stat_activity
                where usename = '\(mallory.name)'
                """)
            await holding.value
        }
    }
}
