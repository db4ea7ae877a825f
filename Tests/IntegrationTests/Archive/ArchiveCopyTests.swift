import Foundation
import LeatArchive
import LeatTestSupport
import Testing

@Suite("Copying an archive")
struct ArchiveCopyTests {
    private static let schema = "create table t (id bigserial primary key, note text)"

    @Test("gives a whole one while it is written to and pruned, which may take its place")
    func living() async throws {
        try await Staging.with(schema: Self.schema) { staging in
            let pair = staging.pair
            try await staging.record("--with-base")
            let recorder = try staging.startRecording(
                "--segment-size", "100kB", "--keep-size", "1MB")
            var copies: [String] = []
            defer { for copy in copies { try? FileManager.default.removeItem(atPath: copy) } }
            for round in 1...6 {
                async let load: Void = {
                    for _ in 1...20 {
                        try await pair.onSource(
                            """
                            insert into t (note) select md5(i::text) from generate_series(1, 500) i
                            """)
                    }
                }()
                let copy = "\(staging.archive)-copy\(round)"
                copies.append(copy)
                let outcome = try await staging.inspect("copy", copy)
                #expect(outcome.output.hasPrefix("copied up to "))
                try await load
                let verified = try await pair.leat(["archive", "verify", copy])
                #expect(verified.exitCode == 0, "\(verified.output)")
            }
            #expect(try ArchiveReaders(staging.archive).all().isEmpty)
            #expect(try await recorder.terminate() == 0)
            try await staging.inspect("copy", copies[0], exitCode: 9)

            // One that ends before the slot's position cannot be gone on with; the newest can.
            let last = "\(staging.archive)-last"
            copies.append(last)
            try await staging.inspect("copy", last)
            try await pair.onSource("insert into t (note) values ('behind it')")
            #expect(
                try await pair.leat(staging.recordArguments(in: copies[5])).exitCode == 8)
            #expect(try await pair.leat(staging.recordArguments(in: last)).exitCode == 0)
            let verified = try await pair.leat(["archive", "verify", last])
            #expect(verified.exitCode == 0, "\(verified.output)")
        }
    }
}

extension Staging {
    fileprivate func recordArguments(in archive: String) -> [String] {
        [
            "record", "--source", pair.source.conninfo(database: pair.database), "--stream",
            pair.stream, "--state-dir", pair.stateDirectory, "--archive", archive, "--endpos",
            "now",
        ]
    }
}
