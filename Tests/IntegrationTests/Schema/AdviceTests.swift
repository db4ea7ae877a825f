import LeatTestSupport
import Testing

@Suite("What a stop advises")
struct AdviceTests {
    private static let schema = """
        create type mood as enum ('sad', 'ok');
        create table t (id int primary key, m mood default 'ok', n int default 1);
        create table other (id int primary key, v text);
        """
    private static let rows = "insert into t select i, 'sad' from generate_series(1, 5) i;"

    @Test("gives up what stands in the way of another type, and makes it again")
    func viewsAndDefaults() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onTarget(
                """
                create view seen with (security_barrier) as select id, m from t where n > 0;
                create materialized view counted as select m, count(*) as c from seen group by m;
                create view beside as select id from t;
                """)
            try await pair.onSource(
                """
                create type level as enum ('sad', 'ok', 'high');
                alter table t alter m drop default, alter m type level using m::text::level,
                  alter m set default 'high', alter n type bigint;
                insert into t (id, n) values (100, 5000000000)
                """)

            try await pair.expectStopAndMend(
                "drop materialized view public.counted;", "drop view public.seen;",
                "create view public.seen with (security_barrier=true) as SELECT id, m FROM ")

            try await pair.expectEqual()
            try await pair.onTarget("insert into t (id) values (101)")
            let rows = try await pair.onTarget(
                "select m, count(*), (select count(*) from counted) from seen group by m order by m"
            )
            #expect(rows == [["sad", "5", "1"], ["high", "2", "1"]])
        }
    }

    @Test("makes a table that the target has lost", arguments: [true, false])
    func lostTable(isRunning: Bool) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            let leat = isRunning ? try pair.start() : nil
            if let leat { try await pair.waitForStream(leat) }
            try await pair.onTarget("drop table other")
            try await pair.onSource("insert into other values (1, 'a')")
            if let leat { #expect(try await leat.waitForExit() == 7, "\(leat.log)") }

            let stopped = try await pair.sync("--endpos", "now")

            #expect(stopped.exitCode == 7, "\(stopped.log)")
            let log = leat?.log ?? stopped.log
            let command = log.split(separator: "\n").map(String.init).first {
                $0.hasPrefix("pg_dump ")
            }
            #expect(command?.contains("'\"public\".\"other\"'") == true, "\(log)")
        }
    }

    @Test("says that a table of the name is another one, also if its columns are")
    func anotherTable() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource(
                "create publication everything for all tables; insert into other values (1, 'v')")
            let options = ["--publication", "everything"]
            try await pair.catchUp(options: options)
            // No cast leads to the type that v has now.
            try await pair.onSource(
                """
                drop table other;
                create table other (id int primary key, v timestamp, w int not null);
                """)

            let refused = try await pair.leat(
                ["sync", "--strict", "--endpos", "now"] + pair.places + options)

            #expect(refused.exitCode == 6, "\(refused.log)")
            #expect(
                refused.log.contains("Table public.other of the source is another one"),
                "\(refused.log)")
            try await pair.mend(refused.log)
            try await pair.catchUp(options: options + ["--truncate"])
            #expect(try await pair.targetValue("select count(w) from other") == "0")
        }
    }

    @Test(
        "makes what has no cast anew in a table that joins, once it is empty",
        arguments: [false, true])
    func joiningWithoutCast(isFilled: Bool) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("create publication p for table t")
            let options = ["--publication", "p"]
            try await pair.catchUp(options: options)
            try await pair.onSource(
                """
                alter table other rename id to key;
                alter table other drop v, add v timestamp default '2026-01-01', add w varchar(5);
                insert into other values (1); alter publication p add table other
                """)
            try await pair.onTarget(
                "alter table other drop v, add v int, add w timestamp default now()"
                    + (isFilled ? "; insert into other values (7, 7)" : ""))

            var told = try await pair.leat(["sync"] + pair.places + options + ["--endpos", "now"])
            #expect(told.log.contains("a new table is left out"), "\(told.log)")
            if isFilled {
                #expect(Pair.statements(in: told.log).isEmpty, "\(told.log)")
                #expect(told.log.contains("--truncate"), "\(told.log)")
                told = try await pair.leat(
                    ["sync"] + pair.places + options + ["--endpos", "now", "--truncate", "--yes"])
            }
            try await pair.mend(told.log)
            try await pair.catchUp(options: options + ["--truncate", "--yes"])
            #expect(
                try await pair.onSource("select key, v from other")
                    == pair.onTarget("select key, v from other"))
        }
    }

    @Test("does not ask for values that no publication can send")
    func virtualColumn() async throws {
        try await Pair.with(.init(.v18, .v18), schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("alter table t add g int generated always as (n * 2) virtual")
            try await pair.onTarget("alter table t add g int")
            let refused = try await pair.expectRefusal(6, "column g is generated on the source")
            #expect(!refused.log.contains("publish_generated_columns"), "\(refused.log)")
        }
    }
}
