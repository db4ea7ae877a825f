import Foundation
import LeatTestSupport
import Testing

/// Kills at random times. `LEAT_CHAOS_SECONDS` (20) is how long, with a kill for every 4 s up to
/// 20 s and every 6 s beyond; `LEAT_SEED` repeats a run's times.
@Suite("Random kills")
struct ChaosTests {
    @Test("of Leat under TPC-B leave every table equal")
    func survives() async throws {
        let environment = ProcessInfo.processInfo.environment
        let seconds = environment["LEAT_CHAOS_SECONDS"].flatMap { Double($0) } ?? 20
        let seed = SeededGenerator.seed
        let kills = killTimes(seconds, seed)
        print("chaos: LEAT_SEED=\(seed), \(seconds) s, kills at \(kills)")
        let stream = try await StreamFixture(tables: "")
        try await createTables(stream)
        try stream.start()

        try await stream.watchingPositions {
            let start = ContinuousClock.now
            try await stream.underLoad(pgbench: ["-n", "-c", "4", "-T", "900", "--rate", "300"]) {
                for time in kills {
                    try await Task.sleep(until: start + .seconds(time), clock: .continuous)
                    try await stream.leat?.kill()
                    try stream.start()
                }
                try await Task.sleep(until: start + .seconds(seconds), clock: .continuous)
            }
            try await stream.waitUntilCaughtUp()
        }

        try await stream.expectEqual()
        let rows =
            try await stream.target.scalar(
                "select count(*) from pgbench_history", database: stream.database) ?? ""
        print("chaos: \(kills.count) kills, \(rows) transactions")
        #expect(Int(rows) ?? 0 > Int(seconds * 10))
    }

    private func killTimes(_ seconds: Double, _ seed: UInt64) -> [Double] {
        var random = SeededGenerator(seed: seed)
        let count = seconds <= 20 ? Int(seconds / 4) : Int(seconds / 6)
        return (0..<count).map { _ in
            (Double.random(in: 0..<seconds, using: &random) * 1000).rounded() / 1000
        }.sorted()
    }

    private func createTables(_ stream: StreamFixture) async throws {
        try await stream.source.pgbench(["-i", "-q", "-s", "5"], database: stream.database)
        // TPC-B only inserts into it, and gives it no key.
        try await stream.source.sql(
            "alter table pgbench_history replica identity full", database: stream.database)
        try await stream.source.copySchema(
            of: stream.database, to: stream.target, database: stream.database)
    }
}
