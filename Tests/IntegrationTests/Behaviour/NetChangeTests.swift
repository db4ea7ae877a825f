import LeatTestSupport
import Testing

/// A backlog, applied at once: many changes of a row in one batch.
@Suite("Net changes")
struct NetChangeTests {
    private static let rows = "insert into t select i, i, 'old' from generate_series(1, 600) i;"

    /// Lets a stream catch up with what happened while it was away.
    private func catchUp(
        on target: String? = nil,
        schema: String = "create table t (id int primary key, u int, v text);",
        _ statements: [String], _ check: (Pair) async throws -> Void = { _ in }
    ) async throws {
        try await Pair.with(schema: schema, rows: Self.rows) { pair in
            if let target { try await pair.onTarget(target) }
            try await pair.catchUp()
            for statement in statements { try await pair.onSource(statement) }
            try await pair.catchUp()
            try await check(pair)
        }
    }

    @Test("before and after a change that cannot be folded stay apart")
    func barrier() async throws {
        // A column of the target's own: a moved key stays an UPDATE there, and is a barrier.
        try await catchUp(
            on: "alter table t add own text default 'x'",
            [
                """
                update t set v = 'first'; update t set id = 1000 where id = 7;
                update t set v = 'second'
                """
            ]
        ) { pair in
            let query = "select id, u, v from t order by id"
            let (source, target) = (try await pair.onSource(query), try await pair.onTarget(query))
            #expect(source == target)
        }
    }

    @Test("a transaction of many batches sets each of its rows to the last of its values")
    func pieces() async throws {
        let large = "repeat('x', 500)"
        try await catchUp([
            """
            insert into t select i, i, \(large) from generate_series(1000, 9000) i;
            update t set v = v || 'a'; update t set v = v || 'b' where id % 2 = 0;
            delete from t where id between 2000 and 3000; update t set v = v || 'c';
            """
        ]) { try await $0.expectEqual() }
    }

    @Test("more shapes of updates than statements are kept for")
    func shapes() async throws {
        // Which of thirteen large values stay is another statement each time.
        let columns = (0..<13).map { "c\($0)" }
        let values = columns.map { "\($0) text" }.joined(separator: ", ")
        let external = columns.map { "alter \($0) set storage external" }
        try await Pair.with(
            schema: """
                create table wide (id int primary key, n int, \(values));
                alter table wide \(external.joined(separator: ", "))
                """,
            rows: """
                insert into wide select i, 0, \(
                    columns.map { _ in "repeat('x', 2100)" }.joined(separator: ", "))
                from generate_series(0, 40) i
                """
        ) { pair in
            try await pair.catchUp()
            try await pair.onSource(
                """
                do $$ begin for i in 0..4999 loop
                  execute 'update wide set n = ' || i || (
                    select coalesce(string_agg(format(
                      ', c%s = repeat(chr(%s), 2100)', k, 97 + (i + k) % 26), ''), '')
                    from generate_series(0, 12) k where i >> k & 1 = 1)
                  || ' where id = ' || i % 41;
                  if i % 50 = 0 then commit; end if;
                end loop; end $$
                """)
            try await pair.catchUp("--net-changes", "off")
            try await pair.expectEqual()
        }
    }

    @Test("values of a unique column that are swapped are applied in the source's order")
    func swaps() async throws {
        try await catchUp(
            schema: "create table t (id int primary key, u int unique, v text);",
            [
                "update t set v = 'new'",
                """
                begin; update t set u = -1 where id = 1; update t set u = 1 where id = 2;
                update t set u = 2 where id = 1; commit
                """,
                "update t set u = u + 10000; update t set u = u - 9999",
            ]
        ) { try await $0.expectEqual() }
    }

    @Test("a trigger that fires on the target sees every change, in order")
    func trigger() async throws {
        try await catchUp(
            on: """
                create table seen (n bigserial, id int, v text);
                create function note() returns trigger language plpgsql as
                $$ begin insert into public.seen (id, v) values (new.id, new.v); return new; end $$;
                create trigger note before update on t for each row execute function note();
                alter table t enable always trigger note;
                """,
            ["update t set v = 'first'", "update t set v = 'second'"]
        ) { pair in
            let rows = "select * from t order by id"
            let (source, target) = (try await pair.onSource(rows), try await pair.onTarget(rows))
            #expect(source == target)
            let seen = "select count(*), min(n) filter (where v = 'second') from seen"
            #expect(try await pair.onTarget(seen) == [["1200", "601"]])
        }
    }

    @Test("of rows that are sent whole are as many as on the source, of equal rows as well")
    func wholeRows() async throws {
        let alike = "select i % 5, case when i % 3 > 0 then 'v' || i % 4 end from"
        try await Pair.with(
            schema: """
                create domain amount as numeric;
                create table bag (n int, v text); alter table bag replica identity full;
                create table exact (n numeric, j json, a amount, l text);
                alter table exact replica identity full; alter table exact alter l set storage external;
                create table keyed (id int primary key, v text, l text);
                alter table keyed replica identity full; alter table keyed alter l set storage external;
                """,
            rows: """
                insert into bag \(alike) generate_series(1, 400) i;
                insert into exact select i + 0.0, '{}', i, repeat('x', 3000) from generate_series(1, 50) i;
                insert into exact select i + 0.00, '{ }', i, null from generate_series(1, 50) i;
                insert into keyed select i, 'old', repeat('x', 3000) from generate_series(1, 400) i;
                """
        ) { pair in
            try await pair.catchUp()
            try await pair.onSource(
                """
                insert into bag \(alike) generate_series(1, 300) i;
                update bag set n = n + 1 where v is null;
                delete from bag where ctid in (select ctid from bag order by ctid limit 150);
                insert into bag select 1, 'same' from generate_series(1, 1000);
                """)
            try await pair.onSource("update bag set v = 'other' where v = 'same'")
            try await pair.onSource(
                """
                update exact set a = a * 1.0 where l is null;
                update exact set n = n + 1, j = '[]' where l is not null and n > 20;
                delete from exact where n::text = '7.00';
                update exact set l = repeat('y', 3000) where n < 5 and l is not null;
                """)
            try await pair.onSource(
                """
                update keyed set v = 'new'; update keyed set id = id + 1000 where id % 2 = 0;
                update keyed set l = repeat(v, 1000) where id < 100; delete from keyed where id > 1300;
                """)
            try await pair.catchUp()
            try await pair.expectEqual()
        }
    }

    @Test("a row that is sent whole and is not there stops the stream at its change")
    func wholeRowMissing() async throws {
        try await Pair.with(
            schema: "create table bag (n int, v text); alter table bag replica identity full;",
            rows: "insert into bag select i % 300, 'old' from generate_series(1, 600) i"
        ) { pair in
            try await pair.catchUp()
            try await pair.onTarget(
                "delete from bag where ctid in (select ctid from bag where n = 7 limit 1)")
            try await pair.onSource("update bag set v = 'first'")
            try await pair.onSource("insert into bag values (1000, 'later')")
            let leat = try pair.start()
            #expect(try await leat.waitForExit() == 7, "\(leat.log)")
            #expect(leat.log.contains("update_missing"), "\(leat.log)")
            let first = "select count(*) from bag where v = 'first'"
            #expect(try await pair.onTarget(first) == [["0"]])
            try await pair.onTarget("insert into bag values (7, 'old')")
            try await pair.catchUp()
            try await pair.expectEqual()
        }
    }

    /// Each transaction of the source is small; together they would lock more than there is room
    /// for on the target, again at every try.
    @Test("of more tables than the target has locks for take several target transactions")
    func manyTables() async throws {
        var options = TemporaryCluster.Options()
        options.settings = [
            "max_locks_per_transaction": "10", "max_connections": "20",
            "max_prepared_transactions": "0",
        ]
        let target = try await TemporaryCluster.started(.v18, options: options)
        let source = try await ClusterPool.shared.cluster(.v18, as: .source)
        let tables = "create table t%s (id int primary key)"
        try await Pair.with(source, target) { pair in
            try await each(pair.source, pair, tables)
            try await each(pair.target, pair, tables)
            try await each(
                pair.target, pair, String(repeating: "create index on t%1$s (id);", count: 9))
            try await pair.catchUp()
            try await each(pair.source, pair, "insert into t%s values (1)")

            let outcome = try await pair.sync("--endpos", "now")

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(!outcome.log.contains("Trying again"), "\(outcome.log)")
            // One statement cannot look at all of them.
            try await pair.onTarget("create table seen (id int)")
            try await each(pair.target, pair, "insert into seen select id from t%s")
            #expect(try await pair.targetValue("select count(*) from seen") == "300")
        }
        try await target.remove()
    }

    /// Runs a statement for each of the 300 tables, in a transaction of its own.
    private func each(_ server: TemporaryCluster, _ pair: Pair, _ statement: String) async throws {
        _ = try await server.run(
            script: """
                do $$ begin
                  for i in 1..300 loop execute format('\(statement)', i); commit; end loop;
                end $$
                """, database: pair.database)
    }
}
