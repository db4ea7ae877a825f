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
        var words: SourceWords
    }

    @Test(
        "no folder names what a folder above it declares",
        arguments: [
            "LeatCore", "LeatArchive", "LeatFlow", "LeatSimulator", "LeatCatalogs",
            "LeatAdmin", "LeatEngine",
        ])
    func noArrowUpwards(_ module: String) throws {
        let floors = try Self.floors(of: module)
        let files = try Self.files(of: module)
        #expect(Set(files.map(\.floor)) == Set(floors))
        let place = Dictionary(uniqueKeysWithValues: zip(floors, floors.indices))
        var owners: [String: String] = [:]
        for file in files {
            for type in file.words.declared { owners[type] = file.floor }
        }
        #expect(owners.count > 10)
        var arrows: Set<Arrow> = []
        for file in files {
            for type in file.words.named {
                guard let owner = owners[type], let above = place[owner],
                    let here = place[file.floor], above < here
                else { continue }
                arrows.insert(Arrow(file: file.name, type: type, floor: owner))
            }
        }
        #expect(arrows == [])
    }

    @Test("types are found in code, not in words")
    func words() {
        let words = SourceWords(
            """
            // Comment
            package struct Outer: Base { struct Inner {} }
            let text = "Text \\" more" + Other.name
            """)
        #expect(words.declared == ["Outer"])
        #expect(words.named == ["Outer", "Base", "Inner", "Other"])
    }

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
                words: SourceWords(
                    try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)))
        }
    }
}
