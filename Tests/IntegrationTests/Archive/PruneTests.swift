import Foundation
import LeatArchive
import LeatTestSupport
import Testing

@Suite("Removing an archive's beginning")
struct PruneTests {
    /// Moments of a recording in several segments.
    private struct Recording {
        var staging: Staging
        /// After each part.
        var moments: [String] = []
        var hashes: [[String: TableHash]] = []
        var folder: ArchiveFolder { ArchiveFolder(staging.archive) }

        /// Some changes, in segments of their own.
        mutating func go(_ round: Int, _ options: String...) async throws {
            let pair = staging.pair
            try await pair.source.run(script: Mixed.load(round), database: pair.database)
            try await staging.record(["--segment-size", "4kB"] + options)
            moments.append(try await staging.now())
            hashes.append(try await staging.sourceHash())
        }

        func segments() throws -> [String] { try folder.segments().map(\.fileName) }
    }

    /// A base, two parts, another base, two parts.
    private func with(_ body: (Recording) async throws -> Void) async throws {
        try await Staging.with(schema: Mixed.schema, rows: Mixed.rows) { staging in
            var recording = Recording(staging: staging)
            try await staging.record("--with-base", "--segment-size", "4kB")
            try await recording.go(1)
            try await recording.go(2)
            try await staging.record("--new-base", "--segment-size", "4kB")
            try await recording.go(3)
            try await recording.go(4)
            #expect(try recording.segments().count >= 4)
            try await body(recording)
        }
    }

    @Test("by hand: never what a reader needs, nothing in a dry run; then from the newest base")
    func byHand() async throws {
        try await with { recording in
            let (staging, all) = (recording.staging, try recording.segments())
            let bases = try recording.folder.bases().map(\.point)
            #expect(bases.count == 2)
            let options = ["--from-base", bases[0], "--until", recording.moments[0]]
            try await staging.replay(options)
            let other = staging.pair.database + "_other"
            try await staging.pair.target.createDatabase(other)
            defer { Task { try await staging.pair.target.sql("drop database \(other)") } }
            try await staging.pair.target.sql(Mixed.schema, database: other)
            try await staging.replay(options, into: other)

            // Both readers are behind the first part, and need what follows.
            let dry = try await staging.inspect("prune", "--keep-size", "1B", "--dry-run").output
            #expect(dry.contains("segment ") && dry.contains("kept for reader"), "\(dry)")
            try await staging.inspect("prune", "--before", recording.moments[3], exitCode: 64)
            #expect(try recording.segments() == all)
            try await staging.inspect("prune", "--keep-size", "1B", "--yes")
            let left = try recording.segments()
            #expect(left.count < all.count && left == Array(all.suffix(left.count)))
            #expect(dry.components(separatedBy: "segment ").count - 1 == all.count - left.count)
            #expect(try await staging.inspect("verify").output.hasSuffix("whole\n"))
            try await staging.replay("--until", recording.moments[1])
            #expect(try await staging.targetHash() == recording.hashes[1])

            // From the second base on, when one reader needs no more and one is forgotten.
            try await staging.replay()
            let name = try #require(
                try ArchiveReaders(staging.archive).all().map(\.name)
                    .first { $0.contains(other) })
            try await staging.inspect("prune", "--before", bases[1], "--forget", name, "--yes")
            #expect(try recording.folder.bases().map(\.point) == [bases[1]])
            #expect(try recording.segments().count < left.count)
            #expect(try await staging.inspect("verify").output.hasSuffix("whole\n"))
            try await staging.replay("--rewind", "--yes", "--from-base", bases[0], exitCode: 2)
            try await staging.replay("--rewind", "--yes", "--until", recording.moments[2])
            #expect(try await staging.targetHash() == recording.hashes[2])

            // Whoever was forgotten, and comes back, is told.
            let late = try await staging.replay(into: other, exitCode: 8)
            #expect(late.log.contains("were removed"))
            let pruned = try await staging.inspect(
                "prune", "--keep-size", "1B", "--ignore-readers", "--yes")
            #expect(pruned.output.contains("no base remains"))
            #expect(try recording.segments() == Array(all.suffix(1)))
        }
    }

    @Test("by age: what was written to the last time too long ago, from the beginning on")
    func byAge() async throws {
        try await with { recording in
            let staging = recording.staging
            let all = try recording.segments()
            // The first and the third are old; only what is before all others goes.
            for index in [0, 2] {
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: -10 * 86_400)],
                    ofItemAtPath: "\(staging.archive)/segments/\(all[index])")
            }
            try await staging.inspect("prune", "--keep-age", "11d", "--yes")
            #expect(try recording.segments() == all)
            try await staging.inspect("prune", "--keep-age", "9d", "--yes")
            #expect(try recording.segments() == Array(all.dropFirst()))

            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -10 * 86_400)],
                ofItemAtPath: "\(staging.archive)/segments/\(all[1])")
            let byAge = try staging.startRecording("--keep-age", "9d")
            try await byAge.waitForOutput(containing: "segments removed")
            #expect(try await byAge.terminate() == 0)
            #expect(try recording.segments() == Array(all.dropFirst(3)))

            #expect(try await staging.inspect("verify").output.hasSuffix("whole\n"))
        }
    }
}
