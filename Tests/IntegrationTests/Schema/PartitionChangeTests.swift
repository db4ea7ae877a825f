import LeatTestSupport
import Testing

@Suite("Partitions that change on the source")
struct PartitionChangeTests {
    private static let schema = """
        create table p (id int, region text, v text, primary key (region, id))
          partition by list (region);
        create table p_eu partition of p for values in ('eu');
        create table p_us partition of p for values in ('us') partition by range (id);
        create table p_us_1 partition of p_us for values from (0) to (100);
        create table other (id int primary key);
        """
    private static let rows = """
        insert into p select i, 'eu', 'v' from generate_series(1, 5) i;
        insert into p select i, 'us', 'v' from generate_series(1, 5) i;
        """
    /// A table with rows, to be attached.
    private static let loose = """
        create table loose (id int not null, region text not null, v text,
          primary key (region, id));
        insert into loose values (1, 'asia', 'not sent');
        """

    private func noted(_ pair: Pair) async throws -> [String] {
        try await pair.onTarget(
            "select table_name || ' ' || change from leat.partitions where change is not null "
                + "order by 1"
        ).compactMap { $0[0] }
    }

    private func waitUntilNoted(_ what: String, _ pair: Pair) async throws {
        try await pair.target.waitUntil(
            sql: """
                select exists (select from leat.partitions
                  where table_name || ' ' || change = '\(what)')
                """, database: pair.database)
    }

    /// Copies `p` anew, and expects that nothing is noted then.
    private func copyAnew(_ pair: Pair) async throws {
        try await pair.catchUp("--exclude", "p")
        try await pair.catchUp("--truncate", "--yes")
        #expect(try await noted(pair) == [])
        try await pair.expectEqual()
    }

    @Test(
        "one that brings rows is warned of, shown until the table is copied anew, and not forgotten",
        arguments: PostgresVersion.allCases)
    func attached(_ version: PostgresVersion) async throws {
        try await Pair.with(.init(version, version), schema: Self.schema, rows: Self.rows) { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            #expect(try await noted(pair) == [])

            try await pair.onSource(Self.loose)
            try await pair.onSource("alter table p attach partition loose for values in ('asia')")

            try await waitUntilNoted("loose attached", pair)
            try await leat.waitForOutput(containing: "partition=public.loose")
            #expect(try await leat.terminate() == 0)
            // Neither a restart nor its end makes it unhappen.
            try await pair.onSource("alter table p detach partition loose; drop table loose")
            try await pair.catchUp()
            #expect(try await noted(pair) == ["loose dropped"])
            let status = try await pair.leat(
                ["status", "--target", pair.target.conninfo(database: pair.database)])
            #expect(status.output.contains("public.loose: dropped"), "\(status.output)")
            let json = try await pair.leat(
                ["status", "--json", "--target", pair.target.conninfo(database: pair.database)])
            #expect(json.output.contains("\"public.loose: dropped\""), "\(json.output)")

            try await copyAnew(pair)
        }
    }

    @Test("those detached and dropped while Leat was down are noticed at its start")
    func detachedAndDropped() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource("alter table p detach partition p_eu; drop table p_us_1")

            let outcome = try await pair.sync("--endpos", "now", "--exclude", "p_eu")

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(outcome.log.contains("was detached"))
            #expect(outcome.log.contains("was dropped"))
            #expect(try await noted(pair) == ["p_eu detached", "p_us_1 dropped"])

            // Back again, with what was done to it meanwhile.
            try await pair.onSource("insert into p_eu values (50, 'eu', 'not sent')")
            try await pair.onSource("alter table p attach partition p_eu for values in ('eu')")
            try await pair.catchUp()
            #expect(try await noted(pair) == ["p_eu attached", "p_us_1 dropped"])

            try await pair.catchUp("--exclude", "p")
            #expect(try await noted(pair) == [])
            try await pair.onTarget("drop table p_us_1")
            try await pair.catchUp("--truncate", "--yes")
            try await pair.expectEqual()
        }
    }

    @Test(
        "those that begin empty are silent, however they were made and whatever came into them",
        arguments: PostgresVersion.allCases)
    func silent(_ version: PostgresVersion) async throws {
        try await Pair.with(.init(version, version), schema: Self.schema, rows: Self.rows) { pair in
            let ddl = """
                create table p_1 partition of p for values in ('one');
                create table p_2 (like p including all);
                alter table p attach partition p_2 for values in ('two');
                create table p_us_2 partition of p_us for values from (100) to (200);
                create table p_3 partition of p for values in ('three') partition by list (id);
                create table p_3_1 partition of p_3 for values in (1);
                """
            try await pair.catchUp()
            try await pair.onTarget(ddl)
            try await pair.onSource(
                ddl + """
                    insert into p select i, 'one', 'v' from generate_series(1, 100) i;
                    insert into p values (150, 'us', 'v'), (1, 'three', 'v');
                    """)
            try await pair.onSource("insert into p values (1, 'one', 'x') on conflict do nothing")

            try await pair.catchUp()
            try await pair.onSource("insert into p values (1, 'two', 'v')")
            try await pair.catchUp()

            #expect(try await noted(pair) == [])
            try await pair.expectEqual()
        }
    }

    @Test(
        "one that is made, filled and attached by one transaction is noticed too",
        arguments: PostgresVersion.allCases)
    func attachedAtOnce(_ version: PostgresVersion) async throws {
        try await Pair.with(.init(version, version), schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource(
                Self.loose + "alter table p attach partition loose for values in ('asia')")
            // A whole branch of partitions, made before.
            try await pair.onSource(
                """
                create table branch (id int not null, region text not null, v text,
                  primary key (region, id)) partition by range (id);
                create table leaf partition of branch for values from (0) to (10);
                insert into branch values (1, 'africa', 'not sent')
                """)
            try await pair.onSource(
                "alter table p attach partition branch for values in ('africa')")

            let outcome = try await pair.sync("--endpos", "now")

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            #expect(try await noted(pair) == ["leaf attached", "loose attached"])
            try await pair.onTarget(
                """
                create table loose partition of p for values in ('asia');
                create table branch partition of p for values in ('africa') partition by range (id);
                create table leaf partition of branch for values from (0) to (10);
                """)
            try await copyAnew(pair)
        }
    }

    @Test("one that the target lacks stops at its first row, with the statement that makes it")
    func missingOnTarget() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            try await pair.onSource(
                """
                create table "P 1" partition of p for values in ('it''s') partition by list (id);
                create table p_1_d partition of "P 1" default;
                """)
            try await pair.onSource(
                "insert into other values (1); insert into p values (1, 'it''s', 'v')")

            #expect(try await leat.waitForExit() == 7, "\(leat.log)")
            #expect(try await pair.targetValue("select count(*) from other") == "0")
            try await pair.expectStopAndMend("no partition of relation", "Stopped at 0/")

            try await pair.expectEqual()
            #expect(try await noted(pair) == [])
        }
    }

    /// The dump of a root that is made by itself, as is printed for a new table, has none of them.
    @Test(
        "one that the target lacks ends a copy, with the statement that makes it",
        arguments: [false, true])
    func missingInCopy(hasOtherOfName: Bool) async throws {
        try await Pair.with(schema: "create table old (id int primary key)") { pair in
            try await pair.catchUp()
            if hasOtherOfName { try await pair.onTarget("create table p_eu (id int)") }
            try await pair.onSource(Self.schema + Self.rows)
            let leftOut = try await pair.sync("--endpos", "now")
            #expect(leftOut.exitCode == 0, "\(leftOut.log)")
            for line in leftOut.log.split(separator: "\n") where line.contains(" | psql ") {
                try await pair.shell(String(line))
            }

            let refused = try await pair.sync("--endpos", "now")
            #expect(refused.exitCode == 4, "\(refused.log)")
            #expect(
                refused.log.contains("First make room there for public.p_eu.") == hasOtherOfName,
                "\(refused.log)")
            if hasOtherOfName { try await pair.onTarget("drop table p_eu") }
            try await pair.mend(refused.log)
            try await pair.catchUp()
            try await pair.expectEqual()
        }
    }

    @Test("one with another identity than its root, which is FULL: the printed way mends it")
    func otherIdentity() async throws {
        let schema = """
            create table other (id int primary key);
            create table r (id int primary key, v text) partition by range (id);
            create table r_1 partition of r for values from (0) to (10);
            alter table r replica identity full; alter table r_1 replica identity full;
            """
        try await Pair.with(schema: schema, rows: "insert into r values (1, 'a'), (2, 'b')") {
            pair in
            // A start would refuse it.
            let stopped = try pair.start()
            try await pair.waitForStream(stopped)
            try await pair.onSource("alter table r_1 replica identity default")
            try await pair.onSource("update r set v = 'c' where id = 1")
            #expect(try await stopped.waitForExit() == 7, "\(stopped.log)")
            #expect(stopped.log.contains("no replica identity of its row"), "\(stopped.log)")
            #expect(
                stopped.log.contains("start once with --exclude public.r, then again with"),
                "\(stopped.log)")

            try await pair.onSource("alter table r_1 replica identity full")
            try await pair.catchUp("--exclude", "public.r")
            try await pair.catchUp("--truncate", "--yes")
            try await pair.onSource("update r set v = 'd' where id = 2")
            try await pair.catchUp()
            try await pair.expectEqual()
        }
    }

    @Test("a truncate of one alone is not sent by way of the root, and noticed; one of the root is")
    func truncated() async throws {
        let schema = """
            create table r (id int primary key) partition by range (id);
            create table r_1 partition of r for values from (0) to (10);
            create table r_2 partition of r for values from (10) to (20);
            """
        try await Pair.with(schema: schema, rows: "insert into r values (1), (11)") { pair in
            try await pair.catchUp()

            try await pair.onSource("truncate r_1; insert into r values (12)")
            let stopped = try await pair.sync("--endpos", "now")
            #expect(stopped.exitCode == 7, "\(stopped.log)")
            #expect(stopped.log.contains("TRUNCATE of one partition"), "\(stopped.log)")
            try await pair.catchUp("--on-rewrite", "copy")
            let left = try await pair.onTarget("select id from r order by 1")
            #expect(left == [["11"], ["12"]])

            try await pair.onSource("truncate r; insert into r values (2)")
            try await pair.catchUp()
            try await pair.expectEqual()
        }
    }
}
