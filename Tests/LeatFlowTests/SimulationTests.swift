import Foundation
import LeatSimulator
import LeatTestSupport
import Testing

/// A short run of what `leat-bench simulate` does at length.
@Suite("A stream whose servers, network and time are simulated")
struct SimulationTests {
    /// The same every time, unless `LEAT_SEED` says where to begin.
    private static let first: UInt64 =
        ProcessInfo.processInfo.environment["LEAT_SEED"] == nil ? 1 : SeededGenerator.seed
    private static let schedules = 10_000

    @Test("keeps every promise in 10,000 schedules")
    func promises() {
        for seed in Self.first..<Self.first + UInt64(Self.schedules) {
            guard let broken = Simulation(seed: seed).run().broken else { continue }
            Issue.record("seed \(seed), which LEAT_SEED repeats: \(broken)")
            // What led to it.
            return print(Simulation(seed: seed).run(isTraced: true).trace.joined(separator: "\n"))
        }
    }

    @Test("the same seed is the same schedule, step by step")
    func replays() {
        for seed in Self.first..<Self.first + 100 {
            let results = [true, true, false].map { Simulation(seed: seed).run(isTraced: $0) }
            #expect(results[0].trace.count > 1)
            #expect(results[0].trace == results[1].trace)
            #expect(Set(results.map(\.digest)).count == 1 && Set(results.map(\.steps)).count == 1)
        }
    }

    @Test("finds what a part of Leat does wrong, whatever it is", arguments: Sabotage.allCases)
    func sabotage(_ sabotage: Sabotage) throws {
        let found = try #require(
            (1...UInt64(Self.schedules)).lazy.compactMap { seed in
                Simulation(seed: seed, sabotage: sabotage).run().broken.map { (seed, $0) }
            }.first)
        print("\(sabotage.rawValue): \(found.1.promise.rawValue), after \(found.0) schedules")
        #expect(sabotage.promises.contains(found.1.promise), "\(found.1)")
    }

    @Test("each promise is one that a sabotage breaks")
    func promisesAreLookedAt() {
        #expect(Set(Sabotage.allCases.flatMap(\.promises)) == Set(Promise.allCases))
    }
}
