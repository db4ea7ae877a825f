import Foundation
import LeatArchive
import LeatCore
import LeatTestSupport
import PGWire
import Testing

/// `Docs/reference/json.md`, and what is written.
@Suite("Changes as JSON")
struct JSONLinesTests {
    @Test("the page has every name that is the same everywhere")
    func commonNames() throws {
        let names = try ChangePage().names(under: "## The same everywhere")

        #expect(names.sorted() == ChangeField.allCases.map(\.rawValue).sorted())
    }

    @Test("an export writes what the page says of it, and nothing else")
    func export() throws {
        let page = try ChangePage()
        let (all, common) = (page.names(in: "export"), page.names(under: "## The same everywhere"))
        var stream = RandomStream(SeededGenerator(seed: SeededGenerator.printedSeed()), at: 1000)
        let (_, batches) = try ArchiveSample.write(&stream, transactions: 200)
        var lines = JSONLines()
        var kinds: Set<String> = []

        for batch in batches {
            let text = String(decoding: lines.lines(of: batch), as: UTF8.self)
            for line in text.split(separator: "\n") {
                let parsed = try JSONSerialization.jsonObject(with: Data(line.utf8))
                let object = try #require(parsed as? [String: Any])
                #expect(Set(object.keys).subtracting(all) == [], "\(line)")
                #expect(object["op"] as? String == object["operation"] as? String)
                let isMessage = object["operation"] as? String == "message"
                #expect((object["table"] != nil || object["tables"] != nil) != isMessage)
                kinds.insert(try #require(object["operation"] as? String))
            }
        }

        #expect(kinds.isSuperset(of: ["insert", "update", "delete"]))
        #expect(Set(common).isSubset(of: all))
    }
}
