import Foundation
import LeatTestSupport
import Testing

/// Kills at random times while an archive is recorded and replayed. `LEAT_RECORD_SECONDS` (10) is
/// how long the load lasts, on every version beyond 60; `LEAT_SEED` repeats a run's times.
@Suite("Recording under a mixed load")
struct RecordChaosTests {
    private static let seconds =
        ProcessInfo.processInfo.environment["LEAT_RECORD_SECONDS"].flatMap { Double($0) } ?? 10
    private static let versions: [PostgresVersion] =
        seconds > 60 ? PostgresVersion.allCases : [.v16]

    private static let late = "create table late (id int primary key, note text)"

    @Test(
        "with kills and crashes it is replayed as the source, and as its snapshot in the middle",
        arguments: versions)
    func survives(_ version: PostgresVersion) async throws {
        async let source = TemporaryCluster.started(version)
        async let target = TemporaryCluster.started(version)
        let servers = try await [source, target]
        do {
            try await Pair.with(servers[0], servers[1]) { pair in
                try await survives(
                    Staging(pair: pair, archive: pair.archive))
            }
        } catch {
            for server in servers { try? await server.remove() }
            throw error
        }
        for server in servers { try await server.remove() }
    }

    private func survives(_ staging: Staging) async throws {
        let pair = staging.pair
        var random = SeededGenerator(seed: SeededGenerator.printedSeed())
        let load = MixedLoad(pair: pair)
        try await load.prepare()
        try await staging.record("--with-base", "--segment-size", "200kB")
        var middle: SnapshotHash?
        try await load.run {
            var recorder = try staging.startRecording("--segment-size", "200kB")
            for round in 1...10 {
                try await Task.sleep(for: .seconds(Self.seconds / 10))
                try await disturb(round, pair)
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...300, using: &random)))
                if round == 6 { middle = try await pair.source.snapshotHash(pair.database) }
                try await recorder.kill()
                recorder = try staging.startRecording(
                    round == 4 ? "--new-base" : "--with-base", "--segment-size", "200kB")
                if round == 4 { try await recorder.waitForOutput(containing: "base finished") }
            }
            try await recorder.kill()
        }
        try await staging.record("--segment-size", "200kB")

        #expect(try await staging.inspect("verify").output.hasSuffix("whole\n"))
        #expect(try staging.segments().count > 1)
        try await expectMessages(staging)
        try await expectMoments(staging, try #require(middle))
        try await expectResuming(staging, &random)
    }

    /// What comes at a certain moment of the load, beside it.
    private func disturb(_ round: Int, _ pair: Pair) async throws {
        switch round {
        case 1, 9: try await pair.onSource("truncate emptied")
        case 2:
            try await pair.onSource("alter table keyed add extra int default 7")
            try await pair.onSource("update keyed set extra = id where id < 300")
        case 3, 8: try await pair.source.restart(mode: .immediate)
        case 5:
            try await pair.onSource(Self.late)
            try await pair.onSource(
                """
                begin;
                alter table pairs add more text default 'more';
                update pairs set more = b where a < 50;
                commit
                """)
        case 7:
            try await pair.onSource("alter type mood add value 'mad'")
            try await pair.onSource("update pairs set m = 'mad' where a < 5")
            try await pair.onSource("insert into late select i, 'l' from generate_series(1, 9) i")
        default: break
        }
    }

    /// Each message that was committed, once.
    private func expectMessages(_ staging: Staging) async throws {
        struct Line: Decodable {
            var prefix: String
            var content: String
        }
        let lines = try await staging.inspect("export").output.split(separator: "\n")
            .filter { $0.contains("\"prefix\":\"\(MixedLoad.prefix)\"") }
            .map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        let said = try await staging.pair.onSource("select words from said").compactMap { $0[0] }
        #expect(lines.map(\.content).sorted() == said.sorted())
        #expect(said.count > 10)
    }

    /// From the first base to the snapshot's LSN, and from there to the end.
    private func expectMoments(_ staging: Staging, _ middle: SnapshotHash) async throws {
        let bases = try FileManager.default.contentsOfDirectory(
            atPath: staging.archive + "/base"
        ).sorted()
        #expect(bases.count == 2)
        let list = try await staging.inspect("list", "--json").output
        let listing =
            try JSONSerialization.jsonObject(with: Data(list.utf8)) as? [String: Any]
        let base = (listing?["bases"] as? [[String: Any]])?.first
        let first = try #require(base?["point"] as? String)

        let stops = try await staging.replayMending(
            "--schema", "--from-base", first, "--until", middle.lsn,
            missing: ["public.late": Self.late])
        #expect(stops >= 2)
        var found = try await staging.targetHash()
        // Nothing was in it then.
        if found["public.late"] == nil { found["public.late"] = middle.tables["public.late"] }
        #expect(found == middle.tables, "as of \(middle.lsn)")

        try await staging.replayMending(missing: ["public.late": Self.late])
        try await expectEnd(staging, staging.pair.database)
    }

    private func expectEnd(_ staging: Staging, _ database: String) async throws {
        let (found, wanted) = (
            try await staging.targetHash(database), try await staging.sourceHash()
        )
        for (table, hash) in wanted where found[table] != hash {
            Issue.record("\(table): \(String(describing: found[table])) instead of \(hash)")
        }
        #expect(found == wanted)
    }

    /// From the newest base, killed again and again.
    private func expectResuming(
        _ staging: Staging, _ random: inout SeededGenerator
    ) async throws {
        let other = staging.pair.database + "_other"
        try await staging.pair.target.createDatabase(other)
        for _ in 0..<5 {
            let replay = try staging.startReplay("--schema", into: other)
            try await Task.sleep(for: .milliseconds(Int.random(in: 100...1200, using: &random)))
            try await replay.kill()
        }
        try await staging.replayMending(
            "--schema", into: other, missing: ["public.late": Self.late])
        try await expectEnd(staging, other)
    }
}
