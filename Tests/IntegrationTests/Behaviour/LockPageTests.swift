import LeatTestSupport
import Testing

@Suite("The page of locks")
struct LockPageTests {
    private static let schema = """
        create table t (id int primary key, v text);
        create table r (id int primary key) partition by range (id);
        create table r_1 partition of r default;
        """

    /// Of Leat's sessions, on what is no catalog.
    private static let held = """
        select distinct l.relation::regclass::text, l.mode from pg_locks l
        join pg_stat_activity a on a.pid = l.pid
        where a.application_name like 'leat%' and a.datname = current_database()
          and l.locktype = 'relation' and l.relation >= 16384 order by 1, 2
        """

    @Test(
        "is right about a stream that has nothing to do: it holds no lock on a table",
        arguments: PostgresVersion.allCases)
    func idle(_ version: PostgresVersion) async throws {
        try await Pair.with(.init(version, version), schema: Self.schema) { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            try await pair.onSource("insert into t values (1, 'a'); insert into r values (1)")
            try await pair.waitUntilApplied()

            for side in [pair.source, pair.target] {
                // A look may be under way.
                try await side.waitUntil(
                    sql: "select not exists (\(Self.held))", database: pair.database)
            }
            let advisory = try await pair.targetValue(
                """
                select count(*) from pg_locks l join pg_database d on d.oid = l.database
                where locktype = 'advisory' and datname = current_database()
                """)
            #expect(advisory == "1")
            #expect(try await leat.terminate() == 0, "\(leat.log)")
        }
    }

    @Test("is right about a transaction that is applied: rows, and the tables that they are of")
    func applying() async throws {
        try await Pair.with(schema: Self.schema, rows: "insert into t values (1, 'a')") { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            // Its commit waits for the row.
            try await pair.onTarget("create schema gate; create table gate.opened ()")
            let holding = Task {
                try await pair.onTarget(
                    """
                    do $$ begin
                      update t set v = v;
                      while not exists (select from gate.opened) loop perform pg_sleep(0.02); end loop;
                    end $$
                    """)
            }
            try await pair.target.waitUntil(
                sql: "select exists (select from pg_stat_activity where query like '%gate.opened%' "
                    + "and wait_event = 'PgSleep' and datname = current_database())",
                database: pair.database)
            try await pair.onSource("update t set v = 'b'; insert into r values (2)")
            try await pair.target.waitUntil(
                sql: "select exists (select from pg_stat_activity where wait_event_type = 'Lock' "
                    + "and application_name like 'leat%' and datname = current_database())",
                database: pair.database)

            let held = try await pair.onTarget(Self.held)
            let tables = held.filter { ["t", "r", "r_1"].contains($0[0]) }
            #expect(!tables.isEmpty && tables.allSatisfy { $0[1] == "RowExclusiveLock" }, "\(held)")
            #expect(try await pair.onSource(Self.held).isEmpty)

            try await pair.onTarget("insert into gate.opened default values")
            _ = try await holding.value
            try await pair.waitUntilApplied()
            #expect(try await leat.terminate() == 0, "\(leat.log)")
        }
    }

    /// Whoever holds one table while it waits for another may end an ALTER of both by a deadlock.
    @Test(
        "is right about a look at the catalogs: one that waits for a table holds no other",
        arguments: PostgresVersion.allCases)
    func looking(_ version: PostgresVersion) async throws {
        let schema =
            Self.schema + "create table r_2 partition of r for values from (9) to (10);"
        try await Pair.with(
            .init(version, version), schema: schema,
            rows: "insert into r values (1), (9)"
        ) { pair in
            #expect(
                try await pair.leat(["sync"] + pair.places + ["--endpos", "now"]).exitCode == 0)
            try await pair.onSource("create schema gate; create table gate.opened ()")
            let holding = Task {
                try await pair.onSource(
                    """
                    do $$ begin
                      lock table r_2 in access exclusive mode;
                      while not exists (select from gate.opened) loop perform pg_sleep(0.02); end loop;
                    end $$
                    """)
            }
            try await pair.source.waitUntil(
                sql: "select exists (select from pg_stat_activity where query like '%gate.opened%' "
                    + "and wait_event = 'PgSleep' and datname = current_database())",
                database: pair.database)
            let leat = try pair.start()
            try await pair.source.waitUntil(
                sql: "select exists (select from pg_stat_activity where wait_event_type = 'Lock' "
                    + "and application_name like 'leat%' and datname = current_database())",
                database: pair.database)

            let held = try await pair.onSource(
                Self.held.replacing("and l.locktype", with: "and l.granted and l.locktype"))
            #expect(held.isEmpty, "\(held)")

            try await pair.onSource("insert into gate.opened default values")
            _ = try await holding.value
            try await pair.waitForStream(leat)
            #expect(try await leat.terminate() == 0, "\(leat.log)")
        }
    }

    /// Its answers are lost, as those to a process that is stopped are not read.
    @Test(
        "is right about a look whose process is cut off: the server holds no lock for it",
        arguments: PostgresVersion.allCases)
    func cutOffWhileLooking(_ version: PostgresVersion) async throws {
        try await Pair.with(
            .init(version, version), schema: Self.schema, rows: "insert into r values (1)"
        ) { pair in
            #expect(
                try await pair.leat(["sync"] + pair.places + ["--endpos", "now"]).exitCode == 0)
            try await pair.onSource("vacuum full r_1")
            let proxy = try TCPProxy(to: pair.source.port)
            proxy.dropServerAnswers(whenClientSends: "from only public.r_1 where ctid")
            var arguments = ["sync"] + pair.places
            arguments[2] = proxy.conninfo(database: pair.database)
            let leat = try LeatProcess(arguments)
            try await waitUntil("the rows of r_1 are looked at") { proxy.isDroppingServerAnswers }

            try await pair.onSource(
                "set lock_timeout = '30s'; begin; lock table r_1 in access exclusive mode; commit")

            proxy.cut()
            proxy.resume()
            try await pair.waitForStream(leat)
            #expect(try await leat.terminate() == 0, "\(leat.log)")
        }
    }
}
