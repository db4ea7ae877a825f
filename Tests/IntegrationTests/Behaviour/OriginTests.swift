import LeatTestSupport
import Testing

/// Two databases, each of which follows the other.
@Suite("Databases that follow each other")
struct OriginTests {
    /// `journal` takes a row as often as it comes: what goes round in a loop shows.
    private static let schema = """
        create table t (id int primary key, u int unique, v text);
        create table journal (made text, n int); alter table journal replica identity full;
        create table wide (id int primary key, note text);
        """

    /// Odd keys are written on one side, even ones on the other: nobody resolves conflicts.
    private static func writes(_ round: Int, _ side: Int) -> String {
        let first = round * 1000 + side
        return """
            insert into t select i, i, 'made' from generate_series(\(first), \(first + 98), 2) i;
            begin; update t set u = -u where id between \(first) and \(first + 2) and id % 2 = \(side);
            update t set v = 'again' where id = \(first); savepoint s;
            delete from t where id % 2 = \(side); rollback to s; commit;
            update t set id = id + 500 where id = \(first + 4); delete from t where id = \(first + 6);
            insert into journal select '\(side)', i from generate_series(1, 50) i;
            update journal set n = 0 where made = '\(side)' and n = \(round);
            delete from journal where made = '\(side)' and n = 50;
            begin; insert into wide
              select i, repeat('w', 200) from generate_series(\(first), \(first + 900), 2) i;
            savepoint s; delete from wide where id > \(first) and id % 2 = \(side); rollback to s;
            commit;
            """
    }

    private static let versions = Pair.Versions.same + [.init(.v15, .v18), .init(.v18, .v15)]

    private func follow(_ pair: Pair, back options: [String]) throws -> LeatProcess {
        try LeatProcess(
            [
                "sync", "--source", pair.target.conninfo(database: pair.database),
                "--target", pair.source.conninfo(database: pair.database),
                "--stream", "back_\(pair.stream)", "--state-dir", pair.stateDirectory + "/back",
                "--no-copy", "--status-interval", "200ms",
            ] + options)
    }

    private func waitUntilQuiet(_ pair: Pair) async throws {
        try await pair.waitUntilApplied()
        let end = try await pair.targetValue("select pg_current_wal_flush_lsn()") ?? ""
        try await pair.source.waitUntil(
            sql: "select end_lsn >= '\(end)' from leat.progress", database: pair.database)
    }

    @Test(
        "do not loop, in whole transactions and in such that are sent in progress",
        arguments: versions, ["on", "off"])
    func doNotLoop(_ versions: Pair.Versions, _ streaming: String) async throws {
        let options = ["--origin", "none", "--streaming", streaming]
        try await Pair.with(
            versions, schema: Self.schema, rows: "insert into t values (0, 0, 'there before')"
        ) { pair in
            try await pair.both(
                "alter database \(pair.database) set logical_decoding_work_mem = '64kB'")
            let forth = try LeatProcess(
                ["sync"] + pair.places + ["--status-interval", "200ms"] + options)
            try await pair.waitForStream(forth)
            let back = try follow(pair, back: options)
            try await pair.waitForStream(back)

            // 15 has no such option: there the origin of each transaction is looked at here.
            let asks = try await pair.sourceValue(
                """
                select query like '%"origin" ''none''%' from pg_stat_activity
                where backend_type = 'walsender' and application_name = '\(pair.objectName)'
                """)
            #expect(asks == (versions.source == .v15 ? "f" : "t"))

            for round in 1...3 {
                async let here = pair.source.run(
                    script: Self.writes(round, 0), database: pair.database)
                async let there = pair.target.run(
                    script: Self.writes(round, 1), database: pair.database)
                _ = try await (here, there)
                try await waitUntilQuiet(pair)
            }

            try await pair.expectEqual()
            let count = "select (select count(*) from t), (select count(*) from journal)"
            // Each side's rounds: 50 rows of which one is deleted, and 50 of which one is.
            #expect(try await pair.onSource(count) == [["\(1 + 6 * 49)", "\(6 * 49)"]])
            #expect(try await forth.terminate() == 0, "\(forth.log)")
            #expect(try await back.terminate() == 0, "\(back.log)")
        }
    }

    @Test("loop without --origin none: that is what it is for", arguments: Pair.Versions.same)
    func wouldLoop(_ versions: Pair.Versions) async throws {
        try await Pair.with(versions, schema: Self.schema) { pair in
            let forth = try pair.start()
            try await pair.waitForStream(forth)
            let back = try follow(pair, back: [])
            try await pair.waitForStream(back)

            try await pair.onSource("insert into journal values ('once', 1)")

            try await pair.source.waitUntil(
                sql: "select count(*) > 3 from journal", database: pair.database)
            try await forth.kill()
            try await back.kill()
        }
    }
}
