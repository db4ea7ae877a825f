import LeatTestSupport
import Testing

/// What the copy locks on the source, and for how long.
@Suite("The locks of the copy")
struct CopyLockTests {
    private static let schema = """
        create table big (id int primary key, v text);
        create table other (id int primary key, v text);
        """
    private static let rows = """
        insert into big select i, repeat('v', 1000) from generate_series(1, 20000) i;
        insert into other select i, 'v' from generate_series(1, 100) i;
        """

    /// Runs `body` while the rows of `big` are being read and nobody takes them.
    private func whileCopying(
        _ options: String..., body: (Pair, LeatProcess) async throws -> Void
    ) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onTarget("create schema gate; create table gate.opened ()")
            let holding = Task {
                try await pair.onTarget(
                    """
                    do $$ begin
                      lock table big in exclusive mode;
                      while not exists (select from gate.opened) loop perform pg_sleep(0.02); end loop;
                    end $$
                    """)
            }
            try await pair.target.waitUntil(
                sql: "select exists (select from pg_locks where mode = 'ExclusiveLock' "
                    + "and granted and relation = 'big'::regclass)", database: pair.database)
            let leat = try LeatProcess(
                ["sync"] + pair.places + ["--status-interval", "200ms", "--copy-jobs", "1"]
                    + options)
            try await leat.waitForOutput(containing: "copying table=public.big")
            try await pair.source.waitUntil(
                sql: "select exists (select from pg_locks l join pg_class c on c.oid = l.relation "
                    + "where relname = 'big' and mode = 'AccessShareLock' and l.pid <> pg_backend_pid())",
                database: pair.database)

            try await body(pair, leat)

            try await pair.onTarget("insert into gate.opened default values")
            _ = try await holding.value
            try await pair.waitForStream(leat)
            try await pair.onTarget("drop schema gate cascade")
            try await pair.onSource("insert into big values (0, 'later'); delete from other")
            try await pair.waitUntilApplied()
            try await pair.expectEqual()
            #expect(try await leat.terminate() == 0, "\(leat.log)")
        }
    }

    private static func locking(_ table: String) -> String {
        "begin; set local lock_timeout = '20s'; lock table \(table) in access exclusive mode; commit"
    }

    @Test("are on a table while its rows are read; who waits for it is told, and is yielded to")
    func yielding() async throws {
        try await whileCopying("--yield-locks", "1s") { pair, leat in
            try await pair.onSource(Self.locking("other"))
            try await pair.onSource(Self.locking("big"))

            try await leat.waitForOutput(containing: "a statement waits for the copy of a table")
            try await leat.waitForOutput(containing: "copy given up for who waits for it")
        }
    }

    @Test(
        "let a table be altered before it is read, which is then copied at a later moment",
        arguments: [
            "vacuum full other", "truncate other", "alter table other alter v type varchar",
            "begin; alter table other alter v type text using upper(v); commit",
        ])
    func altered(_ statement: String) async throws {
        try await whileCopying { pair, leat in
            try await pair.onSource(statement)
        }
    }
}
