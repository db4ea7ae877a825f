import Foundation
import LeatTestSupport
import Testing

/// Random histories over a schema of many shapes: applied as net changes, change by change, and by
/// a native subscription to the same source. All are judged against the source itself.
///
/// `LEAT_HISTORIES` is their number, over all versions (200); `LEAT_SEED` repeats a run.
@Suite("Random histories", .serialized)
struct HistoryTests {
    private static let count =
        ProcessInfo.processInfo.environment["LEAT_HISTORIES"].flatMap { Int($0) } ?? 200

    /// Half of them where citext is.
    private static let shares: [(PostgresVersion, Int)] = [
        (.v15, count - count / 4 * 2), (.v16, count / 4), (.v18, count / 4),
    ]

    @Test("leave what a native subscription leaves", arguments: shares)
    func agrees(_ version: PostgresVersion, _ count: Int) async throws {
        guard count > 0 else { return }
        let seed = SeededGenerator.printedSeed()
        let schema = HistorySchema(version)
        try await Pair.with(Pair.Versions(version, version), first: true) { pair in
            var run = try await HistoryRun(pair, schema)
            do {
                let duration = try await perform(count, seed, &run)
                print("\(count) histories on \(version), LEAT_SEED=\(seed): \(duration)")
                if count >= 50 { print(try await run.summary()) }
            } catch {
                await run.remove()
                throw error
            }
            await run.remove()
        }
    }

    private func perform(
        _ count: Int, _ seed: UInt64, _ run: inout HistoryRun
    ) async throws -> Duration {
        var random = SeededGenerator(seed: seed &+ UInt64(run.schema.version.rawValue))
        var generator = HistoryGenerator(
            run.schema, seed: random.next(), label: run.pair.database)
        var done = 0
        let start = ContinuousClock.now
        while done < count {
            let size = min(Int.random(in: 1...8, using: &random), count - done)
            let round = HistoryRound.random(
                &generator, count: size, options: Self.options(run.schema.version),
                using: &random)
            do {
                try await run.run(round)
            } catch {
                throw TestSupportError(failure(error, round, seed))
            }
            done += size
        }
        return ContinuousClock.now - start
    }

    /// Types of extensions have no safe binary form.
    private static func options(_ version: PostgresVersion) -> [[[String]]] {
        let streaming = [["--streaming", "on"], ["--streaming", "off"]]
        return version == .v15 ? [streaming] : [streaming, [["--binary", "auto"], []]]
    }

    private func failure(_ error: any Error, _ round: HistoryRound, _ seed: UInt64) -> String {
        let sql = round.histories.map { $0.sql + $0.besideSQL }.joined(separator: "\n")
        let path = "\(FileManager.default.temporaryDirectory.path)/history-\(seed).sql"
        try? Data(sql.utf8).write(to: URL(fileURLWithPath: path))
        let numbers = "\(round.histories.first?.number ?? 0)...\(round.histories.last?.number ?? 0)"
        return """
            Histories \(numbers) of LEAT_SEED=\(seed), \(round.pace), SQL in \(path):
            \(error)
            \(sql.split(separator: "\n").suffix(60).joined(separator: "\n"))
            """
    }
}
