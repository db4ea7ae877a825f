import LeatTestSupport
import Testing

/// What an earlier version has left on the target is taken as it is.
@Suite("A stream of an earlier version")
struct EarlierVersionTests {
    private static let tables = """
        create table kept (id int primary key, note text not null default '', v numeric);
        create table log (a int, b text); alter table log replica identity full;
        create table parts (id int primary key, d date)
        """

    /// Puts what the earlier version had kept in the place of what this one keeps.
    private func goBack(_ pair: Pair) async throws {
        var dump = EarlierVersionSchema.dump.replacing("{stream}", with: pair.stream)
        let progress = try await pair.onTarget(
            """
            select end_lsn, source_system_identifier, target_system_identifier,
              split_part(publication_oids[1], ':', 2)
            from leat.progress
            """)
        for (name, value) in zip(
            ["end", "source_system", "target_system", "publication"], progress[0])
        {
            dump = dump.replacing("{\(name)}", with: value ?? "")
        }
        let tables = try await pair.onTarget(
            """
            select table_name, snapshot_lsn, source_oid, target_oid, membership
            from leat.tables order by 1
            """)
        for row in tables {
            for (name, value) in zip(
                ["snapshot", "source", "target", "membership"], row.dropFirst())
            {
                dump = dump.replacing("{\(name):\(row[0] ?? "")}", with: value ?? "")
            }
        }
        try await pair.onTarget("drop schema leat cascade; \(dump)")
    }

    private func withEarlierStream(
        _ versions: Pair.Versions, _ body: (Pair) async throws -> Void
    ) async throws {
        try await Pair.with(
            versions, schema: Self.tables,
            rows:
                "insert into kept values (1, 'a', 1), (2, 'b', 2); insert into log values (1, 'x')"
        ) { pair in
            try await pair.catchUp()
            try await goBack(pair)
            try await pair.onSource(
                """
                update kept set v = v + 1; insert into log values (1, 'x'), (2, 'y');
                delete from kept where id = 2; insert into parts values (1, '2026-11-30')
                """)
            try await body(pair)
        }
    }

    @Test(
        "goes on from its position, with the schema made newer in place",
        arguments: Pair.Versions.same)
    func goesOn(_ versions: Pair.Versions) async throws {
        try await withEarlierStream(versions) { pair in
            try await pair.catchUp()
            try await pair.expectEqual()
            // And as a stream of this version.
            let leat = try pair.start()
            try await pair.waitForStream(leat)
            try await pair.onSource("insert into kept values (3, 'c', 3)")
            try await pair.waitUntilApplied()
            let stop = try await pair.leat([
                "stop", "--target", pair.target.conninfo(database: pair.database), "--stream",
                pair.stream,
            ])
            #expect(stop.exitCode == 0, "\(stop.log)")
            #expect(try await leat.waitForExit() == 0, "\(leat.log)")
            try await pair.expectEqual()
        }
    }

    @Test("takes a rename, once its table has the name")
    func renamed() async throws {
        try await withEarlierStream(.init(.v16, .v16)) { pair in
            let options = ["--rename", "public.kept=public.stored"]
            let stopped = try await pair.leat(["sync"] + pair.places + options)
            #expect(stopped.exitCode == 6, "\(stopped.log)")
            #expect(
                stopped.log.contains(
                    "public.kept goes to public.stored by --rename, and is public.kept"),
                "\(stopped.log)")
            try await pair.mend(stopped.log)
            try await pair.catchUp(options: options)
            let rows = "select string_agg(t::text, ';' order by t::text) from"
            #expect(
                try await pair.sourceValue("\(rows) kept t")
                    == pair.targetValue("\(rows) stored t"))
        }
    }

    @Test("is shown, and removed, before it was ever started again")
    func shownAndRemoved() async throws {
        try await withEarlierStream(.init(.v16, .v16)) { pair in
            let target = ["--target", pair.target.conninfo(database: pair.database)]
            let status = try await pair.leat(["status"] + target)
            #expect(status.exitCode == 0, "\(status.log)")
            #expect(status.output.contains("3 of 3 ready"), "\(status.output)")
            let stop = try await pair.leat(["stop", "--stream", pair.stream] + target)
            #expect(stop.exitCode == 2, "\(stop.log)")
            let cleanup = try await pair.leat(["cleanup", "--yes"] + pair.places)
            #expect(cleanup.exitCode == 0, "\(cleanup.log)")
            #expect(
                try await pair.sourceValue(
                    "select count(*) from pg_replication_slots where database = current_database()")
                    == "0")
        }
    }
}
