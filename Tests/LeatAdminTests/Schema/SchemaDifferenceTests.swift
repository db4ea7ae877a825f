import Foundation
import Testing

@testable import LeatAdmin

@Suite("Differences of schemas")
struct SchemaDifferenceTests {
    private static func facts(
        _ list: [(SchemaKind, String, String?, String, String)]
    ) -> SchemaFacts {
        var facts = SchemaFacts()
        for (kind, name, table, property, value) in list {
            facts.add(
                SchemaObject(kind: kind, name: name), ofTable: table, property, is: value)
        }
        return facts
    }

    private static let table = facts([
        (.table, "s.t", nil, "kind", "table"), (.column, "s.t.a", "s.t", "type", "integer"),
        (.index, "s.i", "s.t", "definition", "create index"),
    ])

    @Test("what both have alike is none")
    func alike() {
        #expect(SchemaDifference.between(source: Self.table, target: Self.table).isEmpty)
    }

    @Test("a table that one side lacks is told once, without its columns and indexes")
    func missing() {
        let there = SchemaDifference.between(source: Self.table, target: SchemaFacts())
        let here = SchemaDifference.between(source: SchemaFacts(), target: Self.table)
        #expect(there.map(\.object) == ["s.t"] && here.map(\.object) == ["s.t"])
        #expect(there[0].source == "table" && there[0].target == nil)
        #expect(here[0].source == nil && here[0].target == "table")
    }

    @Test("a column that one side lacks is told with its type, an index by its definition")
    func parts() {
        var target = Self.table
        target.objects[SchemaObject(kind: .column, name: "s.t.a")] = nil
        target.objects[SchemaObject(kind: .index, name: "s.i")] = nil
        let found = SchemaDifference.between(source: Self.table, target: target)
        #expect(found.map(\.kind) == [.column, .index])
        #expect(found.map(\.source) == ["integer", "create index"])
        #expect(found.allSatisfy { $0.property == "object" && $0.target == nil })
    }

    @Test("each property comes by itself, also one that one side lacks")
    func properties() {
        var target = Self.table
        let column = SchemaObject(kind: .column, name: "s.t.a")
        target.add(column, "type", is: "bigint")
        target.add(column, "default", is: "1")
        let found = SchemaDifference.between(source: Self.table, target: target)
        #expect(found.map(\.property) == ["default", "type"])
        #expect(found.map(\.source) == [nil, "integer"])
        #expect(found.map(\.target) == ["1", "bigint"])
    }

    @Test("the page has a row for each kind")
    func page() throws {
        let page = try String(
            contentsOf: URL(filePath: #filePath)
                .appending(path: "../../../../Docs/reference/schema.md").standardized,
            encoding: .utf8)
        for kind in SchemaKind.allCases { #expect(page.contains("`\(kind.rawValue)`")) }
    }
}
