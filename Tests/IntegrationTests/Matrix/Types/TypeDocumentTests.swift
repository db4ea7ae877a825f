import Foundation
import LeatTestSupport
import Testing

@Suite("Docs/reference/types.md")
struct TypeDocumentTests {
    /// The tables by the title above them: each row's first two cells.
    private func tables() throws -> [String: [String: String]] {
        let root = #filePath.split(separator: "/Tests/")[0]
        let text = try String(contentsOfFile: "\(root)/Docs/reference/types.md", encoding: .utf8)
        var title = ""
        var tables: [String: [String: String]] = [:]
        for line in text.split(separator: "\n") {
            if line.hasPrefix("## ") { title = String(line.dropFirst(3)) }
            let cells = line.split(separator: "|").map {
                $0.trimmingCharacters(in: .whitespaces.union(["`"]))
            }
            guard line.hasPrefix("| "), cells.count >= 2,
                !["type", "kind", "case"].contains(cells[0])
            else { continue }
            #expect(tables[title, default: [:]].updateValue(cells[1], forKey: cells[0]) == nil)
        }
        return tables
    }

    /// What the cases say of a type, between servers of one version.
    private func form(_ type: TypeCase) -> String {
        let versions = Pair.Versions(.v18, .v18)
        if type.refusal(versions) != nil { return "refused" }
        return type.textOnly(versions) == nil ? "text, binary" : "text"
    }

    private func forms(_ types: [TypeCase]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: types.map { ($0.name ?? $0.type, form($0)) })
    }

    @Test("names every built-in type with its form, and none without a case")
    func builtIn() throws {
        let cases = TypeCases.list.flatMap { type in type.covers.map { ($0, form(type)) } }

        #expect(try tables()["Built-in types"] == Dictionary(uniqueKeysWithValues: cases))
    }

    @Test("names every kind that a database defines, and every extension's type that is tried")
    func own() throws {
        let tables = try tables()

        #expect(tables["Types of a database's own"] == forms(TypeCases.defined))
        #expect(tables["Types of extensions"] == forms(TypeCases.extensions))
    }

    @Test("names everything that stops, and at which moment")
    func stops() throws {
        let stops = TypeCases.list.filter(\.covers.isEmpty).compactMap { type in
            type.refusal(.init(.v18, .v15)).map { (type.name ?? type.type, $0.moment) }
        }.map { ($0, $1 == .start ? "at the start" : "by the target") }

        let listed = try tables()["What stops, and where"]
        #expect(listed == Dictionary(uniqueKeysWithValues: stops))
    }
}
