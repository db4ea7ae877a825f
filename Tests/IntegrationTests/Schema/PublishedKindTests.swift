import LeatTestSupport
import Testing

@Suite("Publications that send more, or only have another owner")
struct PublishedKindTests {
    private static let schema = "create table t (id int primary key, v text)"
    private static let rows = "insert into t values (1, 'v'), (2, 'v')"

    private func run(_ pair: Pair, _ options: String...) async throws -> Pair.Outcome {
        try await pair.leat(
            ["sync", "--publication", "p", "--endpos", "now", "--status-interval", "200ms"]
                + pair.places + options)
    }

    @Test(
        "more kinds of changes go on, and what was not sent before is named",
        arguments: [true, false])
    func more(_ isRunning: Bool) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("create publication p for table t with (publish = 'insert')")
            #expect(try await run(pair).exitCode == 0)
            let leat = isRunning ? try pair.start("--publication", "p") : nil
            if let leat { try await pair.waitForStream(leat) }

            try await pair.onSource(
                "alter publication p set (publish = 'insert, update, delete, truncate')")
            try await pair.onSource("update t set v = 'new' where id = 1")

            if let leat {
                try await leat.waitForOutput(
                    containing: "send updates, deletes, truncates of this table from now on")
                try await pair.waitUntilApplied()
                #expect(try await leat.terminate() == 0, "\(leat.log)")
            }
            let next = try await run(pair)
            #expect(next.exitCode == 0, "\(next.log)")
            #expect(next.log.contains("from now on"), "\(next.log)")
            #expect(try await !run(pair).log.contains("from now on"))
            try await pair.expectEqual()
        }
    }

    @Test("another owner, and tables added, are no gap", arguments: [PostgresVersion.v15, .v18])
    func harmless(_ version: PostgresVersion) async throws {
        let schema = Self.schema + "; create table g (id int primary key)"
        try await Pair.with(.init(version, version), schema: schema, rows: Self.rows) { pair in
            try await pair.onSource("create publication p for table t")
            #expect(try await run(pair).exitCode == 0)
            try await pair.onSource(
                """
                create role r_\(pair.database) superuser;
                alter publication p owner to r_\(pair.database); alter publication p add table g;
                insert into t values (3, 'later')
                """)

            let next = try await run(pair)

            #expect(next.exitCode == 0, "\(next.log)")
            #expect(!next.log.contains("copying table=public.t\n"), "\(next.log)")
            #expect(next.log.contains("a publication of this table was altered"), "\(next.log)")
            #expect(try await pair.targetValue("select count(*) from t") == "3")
            try await pair.onSource(
                "drop publication p; drop role r_\(pair.database)")
        }
    }

    @Test("generated columns that are sent no more are noticed", arguments: [true, false])
    func generated(_ isRunning: Bool) async throws {
        let schema = "create table g (id int primary key, n int, d int)"
        try await Pair.with(.init(.v18, .v18), schema: schema) { pair in
            try await pair.onSource(
                """
                alter table g drop column d, add d int generated always as (n * 2) stored;
                insert into g values (1, 1);
                create publication p for table g with (publish_generated_columns = stored)
                """)
            #expect(try await run(pair).exitCode == 0)
            let leat = isRunning ? try pair.start("--publication", "p") : nil
            if let leat { try await pair.waitForStream(leat) }

            try await pair.onSource(
                "alter publication p set (publish_generated_columns = none); update g set n = 2")
            if let leat {
                #expect(try await leat.waitForExit() == 8, "\(leat.log)")
                #expect(leat.log.contains("publish_generated_columns"), "\(leat.log)")
            }
            try await pair.onSource("alter publication p set (publish_generated_columns = stored)")

            let refused = try await run(pair)
            #expect(refused.exitCode == 6, "\(refused.log)")
            #expect(refused.log.contains("was altered and is now as before"), "\(refused.log)")
            #expect(try await run(pair, "--truncate", "--yes").exitCode == 0)
            try await pair.expectEqual()
        }
    }

    @Test("a table that left a published schema and came back is copied anew")
    func leftSchema() async throws {
        let schema = "create schema s; create schema x; create table s.m (id int primary key)"
        try await Pair.with(schema: schema, rows: "insert into s.m values (1)") { pair in
            try await pair.onSource("create publication p for tables in schema s")
            #expect(try await run(pair).exitCode == 0)
            try await pair.onSource("alter table s.m set schema x; insert into x.m values (2)")
            try await pair.onSource("alter table x.m set schema s; insert into s.m values (3)")

            let refused = try await run(pair)
            #expect(refused.exitCode == 6, "\(refused.log)")
            #expect(refused.log.contains("left a published schema and came back"), "\(refused.log)")
            #expect(try await run(pair, "--truncate", "--yes").exitCode == 0)
            try await pair.expectEqual()
        }
    }

    @Test("a publication on the target that bars its updates is refused, with the SQL")
    func onTarget() async throws {
        try await Pair.with(schema: "create table t (id int not null, v text)") { pair in
            try await pair.onSource("alter table t add primary key (id)")
            try await pair.onTarget("create unique index on t (id)")
            try await pair.onTarget("create publication dumped for all tables")

            let refused = try await pair.expectRefusal(
                6, "public.t", "drop publication \"dumped\";")

            #expect(refused.log.contains("--no-publications"), "\(refused.log)")
            try await pair.onTarget("drop publication dumped")
            try await pair.catchUp()
        }
    }

    @Test(
        "a stream that was begun by an older version goes on, and learns how its tables are published"
    )
    func older() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("create publication p for table t")
            #expect(try await run(pair).exitCode == 0)
            try await pair.onTarget("alter table leat.tables drop column sending")
            try await pair.onSource("insert into t values (3, 'later')")

            let next = try await run(pair)

            #expect(next.exitCode == 0, "\(next.log)")
            try await pair.expectEqual()
            let kept = "select sending ~ '^[0-9]+ xmin=[0-9]+ ' from leat.tables"
            #expect(try await pair.targetValue(kept) == "t")
        }
    }
}
