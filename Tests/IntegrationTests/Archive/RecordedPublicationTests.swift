import LeatTestSupport
import Testing

@Suite("Publications that change under a recording or a spool")
struct RecordedPublicationTests {
    private static let schema = """
        create table t (id int primary key, v text);
        create table u (id int primary key, v text);
        """
    private static let rows = "insert into t values (1, 'v'); insert into u values (1, 'v')"

    /// Renamed and renamed back, with half of a transaction in between.
    private static let gap = [
        "alter publication p_t rename to gone",
        "begin; insert into u values (3, 'half'); insert into t values (3, 'half'); commit",
        "alter publication gone rename to p_t", "insert into t values (4, 'later')",
    ]

    private func with(_ body: (Pair) async throws -> Void) async throws {
        try await Pair.with(.init(.v18, .v18), schema: Self.schema, rows: Self.rows) { pair in
            try await pair.onSource(
                "create publication p_t for table t; create publication p_u for table u")
            try await body(pair)
        }
    }

    private let publications = ["--publication", "p_t", "--publication", "p_u"]

    @Test("a recording stops at a gap, and a new base makes up for it")
    func recording() async throws {
        try await with { pair in
            let record = pair.recording + ["--endpos", "now", "--no-schema"] + publications
            #expect(try await pair.leat(record + ["--with-base"]).exitCode == 0)
            for statement in Self.gap { try await pair.onSource(statement) }

            let refused = try await pair.leat(record)
            #expect(refused.exitCode == 8, "\(refused.log)")
            #expect(refused.log.contains("--with-base"), "\(refused.log)")
            let again = try await pair.leat(record + ["--with-base"])

            #expect(again.exitCode == 0, "\(again.log)")
            let recorded = try RecordedTables(pair.archive, fromBase: true)
            #expect(recorded.rows["public.t"]?.count == 3 || recorded.rows["t"]?.count == 3)
        }
    }

    @Test("a running recording ends before a gap")
    func running() async throws {
        try await with { pair in
            let leat = try LeatProcess(
                pair.recording + publications + ["--status-interval", "200ms"])
            try await leat.waitForOutput(containing: "info recording ")
            for statement in Self.gap { try await pair.onSource(statement) }

            #expect(try await leat.waitForExit() == 8, "\(leat.log)")
            let recorded = try RecordedTables(pair.archive)
            #expect(recorded.transactions == 0)
        }
    }

    @Test("with a spool, the tables of a publication that was missing are copied anew")
    func spool() async throws {
        try await with { pair in
            let sync =
                ["sync", "--endpos", "now", "--spool", pair.spool] + pair.places + publications
            #expect(try await pair.leat(sync).exitCode == 0)
            for statement in Self.gap { try await pair.onSource(statement) }

            let refused = try await pair.leat(sync)
            #expect(refused.exitCode == 6, "\(refused.log)")
            let again = try await pair.leat(sync + ["--truncate", "--yes"])
            #expect(again.exitCode == 0, "\(again.log)")
            #expect(!again.log.contains("copying table=public.u\n"), "\(again.log)")
            try await pair.expectEqual()

            let other = try await pair.leat(
                ["sync", "--spool", pair.spool, "--publication", "p_t"] + pair.places)
            #expect(other.exitCode == 2, "\(other.log)")
            #expect(other.log.contains("start once without --spool"), "\(other.log)")
        }
    }
}
