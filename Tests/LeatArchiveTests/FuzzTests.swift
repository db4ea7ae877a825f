import Foundation
import LeatFuzz
import LeatTestSupport
import Testing

/// A short run of what `leat-bench fuzz` does at length.
@Suite("Damaged streams and archives")
struct FuzzTests {
    private static let captures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "PGWireTests/Captures")

    @Test("are refused, or read for what they say: no trap, no position that goes back")
    func rounds() throws {
        let files = try FileManager.default.contentsOfDirectory(
            at: Self.captures, includingPropertiesForKeys: nil)
        let recordings = try files.filter { $0.pathExtension == "hex" }.sorted { $0.path < $1.path }
            .compactMap { Recording.payloads(try String(contentsOf: $0, encoding: .utf8)) }
        #expect(recordings.count == 14)
        let seed = SeededGenerator.printedSeed()

        for round in 0..<1500 {
            for kind in [FuzzRound.messages, .archive] {
                _ = try kind.run(seed: seed &+ UInt64(round), recordings: recordings)
            }
        }
    }
}
