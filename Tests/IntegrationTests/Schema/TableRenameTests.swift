import LeatTestSupport
import Testing

@Suite("A table that is renamed on the source")
struct TableRenameTests {
    private static let schema = """
        create schema app;
        create table a (id int primary key, v text);
        create table b (id int primary key, v text);
        """
    private static let rows = """
        insert into a select i, 'a' from generate_series(1, 5) i;
        insert into b select i, 'b' from generate_series(1, 5) i;
        """

    /// What is done to it on the source, and the name that it has then.
    struct Rename: Sendable, CustomTestStringConvertible {
        var statement: String
        var name: String

        var testDescription: String { statement }
    }

    private static let renames = [
        Rename(statement: "alter table a rename to c", name: "c"),
        Rename(statement: "alter table a set schema app", name: "app.a"),
        Rename(
            statement: #"alter table a set schema app; alter table app.a rename to "A ""1""""#,
            name: #"app."A ""1""""#),
    ]

    @Test(
        "stops a stream that flows at the first change under the new name, and goes on there",
        arguments: renames)
    func whileStreaming(_ rename: Rename) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            try await pair.onSource("update a set v = 'before'")
            try await pair.waitUntilApplied()

            try await pair.onSource(
                "\(rename.statement); update \(rename.name) set v = 'after' where id = 1")
            try await pair.onSource("insert into b values (9, 'later')")

            #expect(try await leat.waitForExit() == 7, "\(leat.log)")
            #expect(leat.log.contains("Stopped at 0/"))
            #expect(try await pair.targetValue("select count(*) from a where v = 'before'") == "5")
            #expect(try await pair.targetValue("select count(*) from b") == "5")
            try await pair.expectStopAndMend("Renamed: table public.a is")
            try await pair.expectEqual()
        }
    }

    @Test(
        "while Leat is down stops the start; changes under the old name follow the table",
        arguments: renames)
    func whileDown(_ rename: Rename) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource(
                "insert into a values (6, 'under the old name'); delete from a where id = 2")
            try await pair.onSource("begin; update a set v = 'both'; \(rename.statement); commit")
            try await pair.onSource("insert into \(rename.name) values (7, 'under the new name')")

            try await pair.expectStopAndMend("Renamed: table public.a is")

            try await pair.expectEqual()
            try await pair.onSource("truncate \(rename.name)")
            try await pair.catchUp()
            try await pair.expectEqual()
        }
    }

    @Test(
        "twice, and back again, is the same table all the while",
        arguments: PostgresVersion.allCases)
    func thereAndBack(_ version: PostgresVersion) async throws {
        try await Pair.with(.init(version, version), schema: Self.schema, rows: Self.rows) { pair in
            let leat = try pair.start()
            try await pair.waitForStream(leat)

            try await pair.onSource(
                """
                alter table a rename to x; insert into x values (10, 'x');
                alter table x rename to y; insert into y values (11, 'y');
                alter table y rename to a; insert into a values (12, 'a')
                """)
            try await pair.onSource("update a set v = v || '2'")
            try await pair.waitUntilApplied()

            try await pair.expectEqual()
            #expect(try await leat.terminate() == 0, "\(leat.log)")
        }
    }

    @Test("ahead of it on the target too needs no stop of the next start")
    func onTargetFirst() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onSource("update a set v = 'old name'")
            try await pair.onTarget("alter table a rename to c")
            try await pair.onSource("alter table a rename to c; insert into c values (8, 'new')")

            try await pair.catchUp()

            try await pair.expectEqual()
            #expect(
                try await pair.onTarget("select table_name from leat.tables order by 1")
                    == [["b"], ["c"]])
        }
    }

    @Test(
        "with another one, each taking the other's name, mixes no rows", arguments: [true, false])
    func swap(_ isStreaming: Bool) async throws {
        let versions = Pair.Versions(.v15, .v18)
        try await Pair.with(versions, schema: Self.schema, rows: Self.rows) { pair in
            let swap = """
                alter table a rename to tmp; alter table b rename to a; alter table tmp rename to b;
                """
            let leat = isStreaming ? try pair.start() : nil
            if let leat { try await pair.waitForStream(leat) } else { try await pair.catchUp() }
            try await pair.onSource("update a set v = 'a1'; update b set v = 'b1'")
            // Every key is in both tables: rows in the wrong one would not be refused.
            try await pair.onSource(
                "\(swap) update a set v = v || '+'; update b set v = v || '-' where id < 4")
            if let leat { #expect(try await leat.waitForExit() == 7, "\(leat.log)") }

            try await pair.expectStopAndMend("public.a is public.b", "public.b is public.a")

            try await pair.expectEqual()
            #expect(try await pair.targetValue("select min(v) from a") == "b1+")
            #expect(try await pair.targetValue("select min(v) from b") == "a1")
        }
    }

    @Test("out of the selection is refused until the selection is changed")
    func outOfSelection() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp("--tables", "a,b")
            try await pair.onSource("alter table a rename to c; insert into c values (8, 'new')")

            let refused = try await pair.sync("--endpos", "now", "--tables", "a,b")
            #expect(refused.exitCode == 2, "\(refused.log)")
            #expect(refused.log.contains("--tables public.c"))

            try await pair.expectStopAndMend("public.c", options: ["--tables", "b,c"])
            try await pair.expectEqual()

            try await pair.onSource("alter table c rename to d; insert into d values (9, 'no')")
            try await pair.catchUp("--tables", "b")
            #expect(
                try await pair.onTarget("select table_name from leat.tables") == [["b"]])
        }
    }

    @Test("is known too to a stream that was begun before OIDs were kept")
    func olderState() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.catchUp()
            try await pair.onTarget(
                "alter table leat.tables drop column source_oid, drop column target_oid")
            try await pair.onSource("update a set v = 'x'")
            try await pair.catchUp()
            try await pair.expectEqual()

            try await pair.onSource("alter table a rename to c; update c set v = 'y'")

            try await pair.expectStopAndMend("Renamed: table public.a is public.c")
            try await pair.expectEqual()
        }
    }

    @Test(
        "dropped and made again is another table: never mixed, copied anew with --truncate",
        arguments: [true, false])
    func remade(_ isStreaming: Bool) async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let options = ["--publication", "everything"]
            try await pair.onSource("create publication everything for all tables")
            let copied = try await pair.leat(
                ["sync", "--endpos", "now"] + pair.places + options)
            #expect(copied.exitCode == 0, "\(copied.log)")
            let leat =
                isStreaming
                ? try pair.start("--publication", "everything") : nil
            if let leat { try await pair.waitForStream(leat) }

            try await pair.onSource("insert into a values (50, 'of the old table')")
            try await pair.onSource(
                """
                drop table a; create table a (id int primary key, v text);
                insert into a values (100, 'new')
                """)

            if let leat {
                #expect(try await leat.waitForExit() == 7, "\(leat.log)")
                #expect(leat.log.contains("public.a was dropped and made again"))
            }
            #expect(try await pair.targetValue("select count(*) from a where id = 100") == "0")
            let refused = try await pair.leat(
                ["sync", "--endpos", "now"] + pair.places + options)
            #expect(refused.exitCode == 6, "\(refused.log)")
            #expect(refused.log.contains("Not empty on the target: public.a."))
            let again = try await pair.leat(
                ["sync", "--endpos", "now", "--truncate", "--yes"] + pair.places + options)
            #expect(again.exitCode == 0, "\(again.log)")
            #expect(again.log.contains("copying table=public.a"))
            #expect(!again.log.contains("copying table=public.b"))

            try await pair.onSource("insert into a values (101, 'later')")
            let last = try await pair.leat(["sync", "--endpos", "now"] + pair.places + options)
            #expect(last.exitCode == 0, "\(last.log)")
            try await pair.expectEqual()
        }
    }
}
