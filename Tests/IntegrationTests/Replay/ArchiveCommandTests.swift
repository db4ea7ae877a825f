import Foundation
import LeatTestSupport
import Testing

@Suite("Looking into an archive")
struct ArchiveCommandTests {
    /// Recorded in some pieces: a base, changes, another base.
    private func with(_ body: (Staging) async throws -> Void) async throws {
        try await Staging.with(schema: Mixed.schema, rows: Mixed.rows) { staging in
            try await staging.record("--with-base")
            try await staging.pair.onSource(
                """
                insert into pairs values (500, 'five', 'glad', 'secret one');
                """)
            try await staging.pair.onSource("update pairs set m = 'sad' where a = 500")
            try await staging.pair.onSource(
                "update pairs set b = 'six', big = 'secret two' where a = 500")
            try await staging.pair.onSource("delete from pairs where a = 500")
            try await staging.record()
            try await staging.pair.source.run(
                script: Mixed.load(1), database: staging.pair.database)
            try await staging.record()
            try await body(staging)
        }
    }

    private func json(_ text: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(text.utf8))
    }

    @Test("what it holds, one row's life, and its changes as JSON")
    func tells() async throws {
        try await with { staging in
            let pair = staging.pair
            let info =
                try json(try await staging.inspect("info", "--json").output) as? [String: Any]
            #expect(info?["database"] as? String == pair.database)
            #expect((info?["tables"] as? [Any])?.count == 4)
            let list =
                try json(try await staging.inspect("list", "--json").output) as? [String: Any]
            #expect((list?["bases"] as? [Any])?.count == 1)
            #expect(info?["position"] as? String == list?["position"] as? String)

            // The life of a row, through a change of its key.
            let log = try await staging.inspect("log", "pairs", "500", "five")
            #expect(!log.text.contains("secret"))
            let life =
                try json(
                    try await staging.inspect(
                        "log", "public.pairs", "500", "five", "--json", "--show-values"
                    ).output) as? [[String: Any]]
            #expect(
                life?.compactMap { $0["operation"] as? String } == [
                    "insert", "update", "update", "delete",
                ])
            #expect(
                life?.compactMap { $0["columns"] as? [String] } == [
                    ["a", "b", "m", "big"], ["m"], ["b", "big"], [],
                ])
            let page = try ChangePage()
            #expect(page.unknown(in: "log", of: life ?? []) == [])
            #expect(life?.allSatisfy { $0["table"] as? String == "public.pairs" } == true)
            #expect(life?[2]["new_key"] as? [String] == ["500", "six"])
            #expect((life?[3]["values"] as? [String: String])?["big"] == "secret two")
            try await staging.inspect("log", "pairs", "500", exitCode: 2)
            try await staging.inspect("log", "nobody", "1", exitCode: 2)

            // Every change once, judged by their number in the table.
            let lines = try await staging.inspect("export", "--table", "journal").output
                .split(separator: "\n")
            let changes = try lines.map { try json(String($0)) as? [String: Any] }
            #expect(changes.count == 100)
            #expect(changes.allSatisfy { $0?["op"] as? String == "insert" })
            #expect(changes.allSatisfy { $0?["operation"] as? String == "insert" })
            #expect(page.unknown(in: "export", of: changes.compactMap(\.self)) == [])
            let notes = changes.compactMap { ($0?["new"] as? [String: Any])?["note"] as? String }
            #expect(notes.allSatisfy { $0 == "round 1" } && notes.count == 100)
        }
    }

    @Test("damage is found wherever it is, said, and never applied")
    func finds() async throws {
        try await with { staging in
            let pair = staging.pair
            try await staging.inspect("verify")
            let file = try #require(try staging.segments().last)
            let whole = try Data(contentsOf: URL(fileURLWithPath: file))
            let position = try Data(
                contentsOf: URL(fileURLWithPath: staging.archive + "/position"))
            let end = try await staging.sourceHash()

            for place in [4, 60, whole.count / 3, whole.count / 2, whole.count - 5] {
                var damaged = whole
                damaged[place] ^= 0x20
                try damaged.write(to: URL(fileURLWithPath: file))
                let report =
                    try json(
                        try await staging.inspect("verify", "--json", exitCode: 5).output)
                    as? [String: Any]
                let problems = try #require(report?["problems"] as? [[String: Any]])
                let isCovered = problems.contains { problem in
                    guard let offset = problem["offset"] as? Int,
                        let bytes = problem["bytes"] as? Int
                    else { return false }
                    return (offset..<offset + bytes).contains(place)
                }
                #expect(isCovered, "\(place): \(problems)")
                let refused = try await staging.replay(exitCode: 3)
                #expect(refused.log.contains("damaged"), "\(refused.log)")
            }
            try whole.dropLast(10).write(to: URL(fileURLWithPath: file))
            try await staging.inspect("verify", exitCode: 5)
            try await staging.replay(exitCode: 3)
            try whole.write(to: URL(fileURLWithPath: file))
            try Data("leat-position 1\n".utf8).write(
                to: URL(fileURLWithPath: staging.archive + "/position"))
            try await staging.inspect("verify", exitCode: 5)
            try await staging.replay(exitCode: 3)
            try position.write(to: URL(fileURLWithPath: staging.archive + "/position"))

            // Mended, it goes on from where the damage stopped it.
            try await staging.replay()
            #expect(try await staging.targetHash() == end)

            // A base is no less guarded.
            let folder = try #require(
                try FileManager.default.contentsOfDirectory(atPath: staging.archive + "/base").first
            )
            let base = "\(staging.archive)/base/\(folder)"
            let table = try #require(
                try FileManager.default.contentsOfDirectory(atPath: base).sorted()
                    .first { $0.hasSuffix(".zst") })
            var rows = try Data(contentsOf: URL(fileURLWithPath: "\(base)/\(table)"))
            rows[rows.count / 2] ^= 1
            try rows.write(to: URL(fileURLWithPath: "\(base)/\(table)"))
            try await staging.inspect("verify", exitCode: 5)
            try await staging.replay("--rewind", "--yes", exitCode: 3)
            _ = pair
        }
    }

    @Test("what readers need stays, until they are forgotten")
    func prunes() async throws {
        try await with { staging in
            try await staging.replay()
            let dry = try await staging.inspect("prune", "--keep-size", "1B", "--dry-run")
            #expect(dry.output.contains("nothing to remove"))
            try await staging.inspect("prune", exitCode: 64)
            let listing =
                try json(
                    try await staging.inspect("list", "--json").output) as? [String: Any]
            let reader = try #require(
                (listing?["readers"] as? [[String: Any]])?.first?["name"] as? String)
            try await staging.inspect("prune", "--forget", reader, exitCode: 64)
            try await staging.inspect("prune", "--forget", reader, "--yes")
            let after =
                try json(
                    try await staging.inspect("list", "--json").output) as? [String: Any]
            #expect((after?["readers"] as? [Any])?.isEmpty == true)
        }
    }
}
