import Foundation
import LeatTestSupport
import Testing

/// Random histories with DDL and changes of publications. Leat goes on, or stops and says what to do:
/// that is done as it stands, until it follows again.
///
/// `LEAT_DDL_HISTORIES` is their number, over all versions (by hand: 0); `LEAT_SEED` repeats a round.
@Suite("Random histories with DDL")
struct HistoryDDLTests {
    private static let count =
        ProcessInfo.processInfo.environment["LEAT_DDL_HISTORIES"].flatMap { Int($0) } ?? 0
    private static let inRound = 8

    private static let shares: [(PostgresVersion, Int)] = [
        (.v15, count - count / 3 * 2), (.v16, count / 3), (.v18, count / 3),
    ]

    /// Rounds on each version at once: the most of their time each waits for something.
    private static let atOnce: UInt64 = 2

    @Test("end with the same rows on both sides, by what is printed", arguments: shares)
    func agrees(_ version: PostgresVersion, _ count: Int) async {
        let first = SeededGenerator.printedSeed()
        let rounds = UInt64((count + Self.inRound - 1) / Self.inRound)
        let start = ContinuousClock.now
        let starts = await withTaskGroup(of: Int.self) { group in
            var starts = 0
            for number in 0..<rounds {
                if number >= Self.atOnce { starts += await group.next() ?? 0 }
                group.addTask { await perform(version, seed: first &+ number) }
            }
            for await more in group { starts += more }
            return starts
        }
        print(
            "\(count) histories with DDL on \(version), LEAT_SEED=\(first): \(starts) starts,"
                + " \(ContinuousClock.now - start)")
    }

    /// One that fails does not keep the others from being run.
    ///
    /// - Returns: How often Leat was started.
    private func perform(_ version: PostgresVersion, seed: UInt64) async -> Int {
        var random = SeededGenerator(seed: seed)
        let other = PostgresVersion.allCases.randomElement(using: &random) ?? version
        let target = random.once(in: 3) ? other : version
        var generator = HistoryDDLGenerator(version, seed: random.next())
        let round = generator.round(Self.inRound)
        var starts = 0
        do {
            try await Pair.with(.init(version, target), first: true) { pair in
                var run = HistoryDDLRun(pair, round, seed: random.next())
                defer { starts = run.starts }
                do { try await run.run() } catch {
                    throw TestSupportError(failure(error, run, round, version, seed))
                }
            }
        } catch {
            Issue.record(error)
        }
        return starts
    }

    private func failure(
        _ error: any Error, _ run: HistoryDDLRun, _ round: HistoryDDLRound,
        _ version: PostgresVersion, _ seed: UInt64
    ) -> String {
        let folder = FileManager.default.temporaryDirectory.path
        let path = "\(folder)/history-ddl-\(version.rawValue)-\(seed).sql"
        let journal = run.journal.joined(separator: "\n").split(separator: "\n")
        let text = round.sql + journal.map { "-- \($0)\n" }.joined()
        try? Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return """
            SQL in \(path); to repeat it: LEAT_SEED=\(seed) LEAT_DDL_HISTORIES=\(Self.inRound * 3) \
            scripts/test --no-setup --filter HistoryDDLTests
            \(error)
            \(journal.suffix(60).joined(separator: "\n"))
            """
    }
}
