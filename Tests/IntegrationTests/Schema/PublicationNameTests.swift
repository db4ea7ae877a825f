import LeatTestSupport
import Testing

/// A server asks for publications by the names that they had when a change was made.
@Suite("Publications that are renamed, or missing for a time")
struct PublicationNameTests {
    private static let schema = """
        create table t (id int primary key, v text);
        create table u (id int primary key, v text);
        """
    private static let rows = "insert into t values (1, 'v'); insert into u values (1, 'v')"

    private func run(
        _ pair: Pair, _ publications: [String], _ options: String...
    ) async throws -> Pair.Outcome {
        try await pair.leat(
            ["sync", "--endpos", "now", "--status-interval", "200ms"] + pair.places
                + publications.flatMap { ["--publication", $0] } + options)
    }

    private func with(
        _ version: PostgresVersion, _ body: (Pair) async throws -> Void
    ) async throws {
        try await Pair.with(.init(version, version), schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource(
                "create publication p_t for table t; create publication p_u for table u")
            try await body(pair)
        }
    }

    @Test(
        "one that is renamed stops the stream there, and goes on under its new name with nothing lost",
        arguments: PostgresVersion.allCases)
    func renamed(_ version: PostgresVersion) async throws {
        try await with(version) { pair in
            let leat = try pair.start("--publication", "p_t", "--publication", "p_u")
            try await pair.waitForStream(leat)

            try await pair.onSource(
                """
                insert into t values (2, 'before'); insert into u values (2, 'before');
                alter publication p_t rename to "p'T"
                """)
            try await pair.onSource(
                "begin; insert into u values (3, 'half'); insert into t values (3, 'half'); commit")

            #expect(try await leat.waitForExit() == 8, "\(leat.log)")
            let advice = "Start again with --publication 'p'\\''T' --publication p_u"
            #expect(leat.log.contains(advice), "\(leat.log)")
            #expect(try await pair.targetValue("select count(*) from u where id = 3") == "0")
            let refused = try await run(pair, ["p_t", "p_u"])
            #expect(refused.exitCode == 8 && refused.log.contains(advice), "\(refused.log)")

            let next = try await run(pair, ["p'T", "p_u"])
            #expect(next.exitCode == 0, "\(next.log)")
            #expect(!next.log.contains("copying table"), "\(next.log)")
            try await pair.expectEqual()
            let last = try await run(pair, ["p'T", "p_u"])
            #expect(last.exitCode == 0 && !last.log.contains("Trying again"), "\(last.log)")
        }
    }

    @Test(
        "one that is renamed while Leat is down is read under both names",
        arguments: [PostgresVersion.v16, .v18])
    func renamedWhileDown(_ version: PostgresVersion) async throws {
        try await with(version) { pair in
            #expect(try await run(pair, ["p_t", "p_u"]).exitCode == 0)
            try await pair.onSource(
                """
                insert into t values (2, 'before'); insert into u values (2, 'before');
                alter publication p_t rename to q
                """)
            try await pair.onSource(
                "begin; insert into u values (3, 'whole'); insert into t values (3, 'whole'); commit"
            )

            let next = try await run(pair, ["q", "p_u"])

            #expect(next.exitCode == 0, "\(next.log)")
            #expect(!next.log.contains("copying table"), "\(next.log)")
            try await pair.expectEqual()
        }
    }

    @Test("one that is renamed while others are to join it is told by its new name, beside those")
    func renamedBesideOthers() async throws {
        try await with(.v16) { pair in
            #expect(try await run(pair, ["p_t"]).exitCode == 0)
            try await pair.onSource("alter publication p_t rename to q; insert into t values (2)")

            let refused = try await run(pair, ["p_u", "p_t"])
            #expect(refused.exitCode == 8, "\(refused.log)")
            let advice = "Start again with --publication p_u --publication q"
            #expect(refused.log.contains(advice), "\(refused.log)")

            let next = try await run(pair, ["p_u", "q"], "--truncate", "--yes")
            #expect(next.exitCode == 0, "\(next.log)")
            #expect(!next.log.contains("copying table=public.t\n"), "\(next.log)")
            try await pair.expectEqual()
        }
    }

    @Test(
        "one that was renamed and renamed back never leaves half a transaction, and its tables are copied anew",
        arguments: [false, true])
    func renamedBack(_ isRunning: Bool) async throws {
        try await with(.v18) { pair in
            #expect(try await run(pair, ["p_t", "p_u"]).exitCode == 0)
            let leat =
                isRunning ? try pair.start("--publication", "p_t", "--publication", "p_u") : nil
            if let leat { try await pair.waitForStream(leat) }
            try await pair.onSource("alter publication p_t rename to gone")
            try await pair.onSource(
                "begin; insert into u values (3, 'half'); insert into t values (3, 'half'); commit")
            try await pair.onSource("alter publication gone rename to p_t")
            try await pair.onSource("insert into t values (4, 'later')")

            if let leat {
                #expect(try await leat.waitForExit() == 8, "\(leat.log)")
                // As the source's catalog is when the stream comes there.
                let said = ["Start again with --truncate", "Start again with --publication gone"]
                #expect(said.contains { leat.log.contains($0) }, "\(leat.log)")
            }
            #expect(try await pair.targetValue("select count(*) from u where id = 3") == "0")
            let refused = try await run(pair, ["p_t", "p_u"])
            #expect(refused.exitCode == 6, "\(refused.log)")
            #expect(refused.log.contains("renamed and back"), "\(refused.log)")
            let again = try await run(pair, ["p_t", "p_u"], "--truncate", "--yes")
            #expect(again.exitCode == 0, "\(again.log)")
            #expect(again.log.contains("copying table=public.t\n"), "\(again.log)")
            #expect(!again.log.contains("copying table=public.u\n"), "\(again.log)")
            try await pair.expectEqual()
        }
    }

    @Test("one that was renamed and renamed back ends the stream before 18 too, with a way on")
    func renamedBackBefore18() async throws {
        try await with(.v16) { pair in
            let leat = try pair.start("--publication", "p_t")
            try await pair.waitForStream(leat)
            try await pair.onSource(
                "insert into t values (2, 'before'); alter publication p_t rename to gone")
            try await pair.onSource("insert into t values (3, 'between')")
            try await pair.onSource("alter publication gone rename to p_t")

            #expect(try await leat.waitForExit() == 8, "\(leat.log)")
            // As the source's catalog is when the stream comes there.
            let said = ["leat cleanup", "Start again with --publication gone"]
            #expect(said.contains { leat.log.contains($0) }, "\(leat.log)")
            let next = try await run(pair, ["p_t"])
            #expect(next.exitCode == 8 || next.exitCode == 6, "\(next.log)")
            #expect(try await pair.targetValue("select count(*) from t") == "2")
        }
    }

    @Test(
        "other publications than at the last start take over without a gap",
        arguments: [PostgresVersion.v15, .v18])
    func others(_ version: PostgresVersion) async throws {
        try await with(version) { pair in
            #expect(try await run(pair, ["p_t"]).exitCode == 0)
            // More: its table joins.
            try await pair.onSource(
                "insert into t values (2, 'one'); insert into u values (2, 'one')")
            let more = try await run(pair, ["p_t", "p_u"], "--truncate", "--yes")
            #expect(more.exitCode == 0, "\(more.log)")
            #expect(more.log.contains("copying table=public.u\n"), "\(more.log)")
            #expect(!more.log.contains("copying table=public.t\n"), "\(more.log)")
            try await pair.expectEqual()

            // One in place of both: nothing is copied.
            try await pair.onSource(
                "insert into t values (3, 'two'); insert into u values (3, 'two')")
            try await pair.onSource("create publication p_all for all tables")
            try await pair.onSource(
                "insert into t values (4, 'two'); insert into u values (4, 'two')")
            let instead = try await run(pair, ["p_all"])
            #expect(instead.exitCode == 0, "\(instead.log)")
            #expect(!instead.log.contains("copying table"), "\(instead.log)")
            try await pair.expectEqual()

            // Fewer: its table is given up.
            try await pair.onSource("drop publication p_t")
            let fewer = try await run(pair, ["p_u"])
            #expect(fewer.exitCode == 0, "\(fewer.log)")
            #expect(fewer.log.contains("no longer followed table=public.t"), "\(fewer.log)")
            #expect(!fewer.log.contains("copying table"), "\(fewer.log)")
            try await pair.onSource("insert into u values (5, 'three')")
            #expect(try await run(pair, ["p_u"]).exitCode == 0)
            #expect(try await pair.targetValue("select count(*) from u") == "5")
        }
    }

    @Test(
        "a kill while others take over leaves those before, or those",
        arguments: ["publications-reached", "publications-taken"])
    func killed(_ failPoint: String) async throws {
        try await with(.v18) { pair in
            #expect(try await run(pair, ["p_t"]).exitCode == 0)
            try await pair.onSource(
                "insert into t values (2, 'one'); insert into u values (2, 'one')")
            try await pair.onSource("create publication p_all for all tables")
            try await pair.onSource("insert into t values (3, 'two'); delete from t where id = 1")
            let options = ["--publication", "p_all", "--truncate", "--yes", "--endpos", "now"]
            let leat = try LeatProcess(
                ["sync"] + pair.places + options, environment: ["LEAT_FAILPOINT": failPoint])
            #expect(try await leat.waitForExit() == 137, "\(leat.log)")
            try await pair.onSource("insert into t values (4, 'three'); update u set v = 'three'")

            let next = try await run(pair, ["p_all"], "--truncate", "--yes")

            #expect(next.exitCode == 0, "\(next.log)")
            #expect(!next.log.contains("copying table=public.t\n"), "\(next.log)")
            try await pair.expectEqual()
        }
    }

    @Test("an empty one is followed, which is said, also when its last table has left it")
    func empty() async throws {
        try await with(.v16) { pair in
            try await pair.onSource("create publication e")
            let first = try await run(pair, ["e"])
            #expect(first.exitCode == 0, "\(first.log)")
            #expect(first.log.contains("nothing is followed"), "\(first.log)")

            try await pair.onSource("alter publication e add table t")
            #expect(try await run(pair, ["e"], "--truncate", "--yes").exitCode == 0)
            try await pair.onSource("insert into t values (2, 'sent')")
            #expect(try await run(pair, ["e"]).exitCode == 0)
            #expect(try await pair.targetValue("select count(*) from t") == "2")
            try await pair.onSource("alter publication e drop table t")
            let last = try await run(pair, ["e"])
            #expect(last.exitCode == 0, "\(last.log)")
            #expect(last.log.contains("nothing is followed"), "\(last.log)")
        }
    }

    @Test("a stream of its own publication goes on when all of its tables are dropped")
    func allDropped() async throws {
        try await with(.v16) { pair in
            try await pair.catchUp()
            try await pair.onSource("drop table t, u")

            let next = try await run(pair, [])

            #expect(next.exitCode == 0, "\(next.log)")
            #expect(next.log.contains("nothing is followed"), "\(next.log)")
        }
    }

    @Test("a table that left the publication and is renamed is given up")
    func unpublishedAndRenamed() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("create publication p for table t, u")
            #expect(try await run(pair, ["p"]).exitCode == 0)
            try await pair.onSource(
                "alter publication p drop table t; alter table t rename to old_t")

            let next = try await run(pair, ["p"])

            #expect(next.exitCode == 0, "\(next.log)")
            #expect(next.log.contains("no longer followed table=public.t"), "\(next.log)")
        }
    }

    @Test("a renamed table is given up by the name that it has")
    func excludedByNewName() async throws {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource("create publication p for table t, u")
            #expect(try await run(pair, ["p"]).exitCode == 0)
            try await pair.onSource("alter table t rename to old_t")

            let next = try await run(pair, ["p"], "--exclude", "old_t")

            #expect(next.exitCode == 0, "\(next.log)")
            #expect(next.log.contains("no longer followed table=public.t"), "\(next.log)")
        }
    }
}
