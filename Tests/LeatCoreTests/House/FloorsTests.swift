import Foundation
import Testing

/// `Docs/architecture.md` gives the order of a module's folders; the sources keep to it.
@Suite("Floors")
struct FloorsTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// A type that a file of a floor names, and that a floor above it declares.
    private struct Arrow: Hashable, CustomTestStringConvertible {
        var file: String
        var type: String
        var floor: String

        var testDescription: String { "\(file) names \(type) of \(floor)/" }
    }

    private struct File {
        var name: String
        var floor: String
        var text: String
    }

    @Test("no folder names what a folder above it declares", arguments: ["LeatEngine"])
    func noArrowUpwards(_ module: String) throws {
        let floors = try Self.floors(of: module)
        let files = try Self.files(of: module)
        #expect(Set(files.map(\.floor)) == Set(floors))
        let place = Dictionary(uniqueKeysWithValues: zip(floors, floors.indices))
        var owners: [String: String] = [:]
        for file in files {
            for match in file.text.matches(of: Self.declaration) {
                owners[String(match.output.1)] = file.floor
            }
        }
        #expect(owners.count > 100)
        var arrows: Set<Arrow> = []
        for file in files {
            for match in file.text.matches(of: /\b[A-Z]\w+/) {
                guard let owner = owners[String(match.output)],
                    let above = place[owner], let here = place[file.floor], above < here
                else { continue }
                arrows.insert(Arrow(file: file.name, type: String(match.output), floor: owner))
            }
        }
        #expect(arrows == [])
    }

    /// Top-level types: what is nested is named by what it is in.
    private nonisolated(unsafe) static let declaration =
        /(?m)^(?:(?:public|package|internal|final|indirect|@\w+(?:\([^)]*\))?)\s+)*(?:struct|class|enum|actor|protocol|typealias)\s+(\w+)/

    /// The highest first.
    private static func floors(of module: String) throws -> [String] {
        let page = try String(
            contentsOf: root.appending(path: "Docs/architecture.md"), encoding: .utf8)
        let table = try #require(page.range(of: "| folder of `\(module)` |"))
        let rows = page[table.upperBound...].split(
            separator: "\n", omittingEmptySubsequences: false
        )
        .dropFirst(2).prefix { $0.hasPrefix("|") }
        return rows.compactMap { $0.firstMatch(of: /^\| `(\w+)\/`/).map { String($0.output.1) } }
    }

    private static func files(of module: String) throws -> [File] {
        let folder = root.appending(path: "Sources/\(module)").path
        let names = try #require(FileManager.default.enumerator(atPath: folder))
        return try names.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.map {
            name in
            File(
                name: name, floor: String(name.prefix { $0 != "/" }),
                text: withoutWords(
                    try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)))
        }
    }

    /// Without comments and texts.
    private static func withoutWords(_ source: String) -> String {
        source.replacing(/(?m)\/\/.*$/, with: "")
            .replacing(/"""[\s\S]*?"""/, with: "")
            .replacing(/"(?:[^"\\\n]|\\[^(])*"/, with: "")
    }
}
