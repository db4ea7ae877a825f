import LeatCore
import PGWire
import Testing

@Suite("Types that are mended on the target")
struct TypeMendingTests {
    private func labels(_ source: [String], _ target: [String]) -> [String] {
        Types.catalog(Types.enumeration(90, "mood", source))
            .missingLabels(on: Types.catalog(Types.enumeration(80, "mood", target)))
            .map { $0.replacing(#"alter type "shop"."mood" "#, with: "") }
    }

    @Test("a label is added in its place")
    func added() {
        #expect(labels(["a", "b"], ["a", "b"]) == [])
        #expect(labels(["a", "b"], ["b", "a", "own"]) == [])
        #expect(labels(["a", "b", "c"], ["a", "c"]) == ["add value 'b' after 'a';"])
        #expect(labels(["a", "b"], ["b"]) == ["add value 'a' before 'b';"])
        #expect(
            labels(["a", "b", "c"], ["a"]) == [
                "add value 'b' after 'a';", "add value 'c' after 'b';",
            ])
    }

    /// A new label beside the old one would leave the rows that are there with the old one.
    @Test("a label that only the target has, where the source has another, was renamed")
    func renamed() {
        #expect(labels(["aa", "b"], ["a", "b"]) == ["rename value 'a' to 'aa';"])
        // Nobody knows which of the two has another name: a comment says so.
        let unclear = labels(["aa", "n", "b"], ["a", "b"])
        #expect(unclear.first?.hasPrefix("-- ") == true)
        #expect(unclear.dropFirst() == ["add value 'aa' before 'a';", "add value 'n' after 'aa';"])
        #expect(
            labels(["a", "x", "b", "y"], ["a", "b", "z"]) == [
                "rename value 'z' to 'y';", "add value 'x' after 'a';",
            ])
    }

    @Test("labels in another order are not taken for renamed ones")
    func reordered() {
        #expect(labels(["a", "b", "n"], ["b", "own", "a"]) == ["add value 'n' after 'b';"])
    }

    private func composite(_ oid: UInt32, _ fields: [String]) -> CatalogType {
        CatalogType(
            oid: oid, schema: "shop", name: "pair", kind: .composite, category: "C",
            fields: fields.map { .init(definition: "\"\($0)\" integer", typeOID: 23) })
    }

    /// For a column of an array of composites.
    private func advice(_ source: [String], _ target: [String]) throws -> String? {
        var pair = TablePair([("id", "int4"), ("v", "int4")])
        pair.sourceTypes = Types.catalog(
            composite(90, source), Types.array(91, "_pair", of: 90, schema: "shop"))
        pair.targetTypes = Types.catalog(
            composite(80, target), Types.array(81, "_pair", of: 80, schema: "shop"))
        pair.relation.columns[1].typeOID = 91
        pair.target.columns[1].typeOID = 81
        do {
            _ = try pair.plan()
            return nil
        } catch { return error.advice }
    }

    @Test("a composite type gets or loses its last fields, in an array too")
    func fields() throws {
        #expect(try advice(["a"], ["a"]) == nil)
        #expect(
            try advice(["a", #"b"" x"#], ["a"])?
                .hasSuffix(#"alter type "shop"."pair" add attribute "b"" x" integer;"#) == true)
        #expect(
            try advice(["a"], ["a", #"b"" x"#])?
                .hasSuffix(#"alter type "shop"."pair" drop attribute "b"" x";"#) == true)
    }

    @Test("fields that differ otherwise have no such statement")
    func otherFields() throws {
        #expect(try advice(["a", "b"], ["b", "a"])?.contains("attribute") == false)
    }
}
