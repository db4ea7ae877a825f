import Foundation
import LeatTestSupport
import Testing

/// `Docs/reference/tables.md` against the cases.
@Suite("The page of tables")
struct TablesPageTests {
    private static let cases = IdentityCases.all + ShapeCases.all

    /// By case: what the page says of it.
    private static func promises() throws -> [(name: String, result: String)] {
        let page = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Docs/reference/tables.md")
        let lines = try String(contentsOf: page, encoding: .utf8).split(separator: "\n")
        return lines.filter { $0.hasPrefix("| `") }.flatMap { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false)
            let result = cells[2].trimmingCharacters(in: .whitespaces)
            return cells[1].matches(of: /`([^`]+)`/).map { (String($0.output.1), result) }
        }
    }

    /// What the case expects where it is run.
    private static func expectation(_ test: Case) -> String {
        let versions = Pair.Versions.all.first { test.skipped($0) == nil }
        return versions.flatMap(test.refusal).map { "refused, \($0.exitCode)" } ?? "followed"
    }

    @Test("names every case once, and nothing else")
    func isComplete() throws {
        let names = try Self.promises().map(\.name)

        #expect(Set(names).symmetricDifference(Self.cases.map(\.name)) == [])
        #expect(names.count == Set(names).count)
    }

    @Test("promises what the case expects")
    func isTrue() throws {
        let promises = Dictionary(uniqueKeysWithValues: try Self.promises().map { ($0, $1) })

        for test in Self.cases {
            #expect(promises[test.name] == Self.expectation(test), "\(test.name)")
        }
    }
}
