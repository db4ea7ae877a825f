import Foundation
import Testing

/// Rows of catalogs and of Leat's tables are read by name and type: what cannot be read is an error,
/// never a default.
@Suite("Reading of rows")
struct RowReadingTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func sources(_ modules: String...) throws -> [(name: String, text: String)] {
        try modules.flatMap { module in
            let folder = root.appending(path: "Sources/\(module)")
            let files = try #require(
                FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
            return try files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
                .map { ($0.lastPathComponent, code(try String(contentsOf: $0, encoding: .utf8))) }
        }
    }

    /// Without comments.
    private static func code(_ text: String) -> String {
        text.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("//") }
            .joined(separator: "\n")
    }

    /// No other module can then read a row by position.
    @Test("rows are lent to nobody outside of the client")
    func internalRows() throws {
        let client = try Self.sources("PGClient")
        let result = try #require(client.first { $0.name == "QueryResult.swift" }).text

        #expect(result.contains("\n    let columns: [String]\n"))
        #expect(result.contains("\n    let rows: [[String?]]\n"))
        #expect(client.allSatisfy { !$0.text.contains(/(public|package)[^\n]*\[String\?\]\]/) })
    }

    @Test("the client itself reads them in one place")
    func byPosition() throws {
        let readers = try Self.sources("PGClient")
            .filter { $0.text.contains(/\brows[.\[]|\.rows\b(?!\()/) }
            .map(\.name)

        #expect(
            Set(readers) == ["QueryResult.swift", "QueryResult+Value.swift", "Record.swift"])
    }

    @Test("what is NULL, or cannot be read, becomes no default")
    func defaults() throws {
        let found = try Self.sources(
            "PGClient", "LeatCatalogs", "LeatAdmin", "LeatEngine", "leat"
        ).flatMap { file in
            file.text.matches(
                of:
                    /(text|bool|int|int32|id|lsn|double|value|optional[A-Z]\w*)\("\w+"[^()]*\)\s*\?\?/
            ).map { "\(file.name): \($0.output.0)" }
        }

        #expect(found.isEmpty)
    }
}
