import Foundation
import Testing

/// A call reads as a sentence: beside its first parameter, what is given has a label.
@Suite("Labels")
struct LabelsTests {
    private static let sources = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources")

    private struct Declared: CustomTestStringConvertible {
        var file: String
        var function: SourceFunctions.Function

        var testDescription: String {
            "\(function.name) of \(file): \(function.bare) parameters without a label"
        }
    }

    @Test("at most one parameter has no label, but for symmetric pairs")
    func calls() throws {
        let all = try Self.functions()
        #expect(all.count > 2000)
        #expect(all.filter { $0.function.bare > 2 }.isEmpty)
        #expect(all.filter { $0.function.bare == 2 }.count * 200 < all.count)
    }

    @Test("parameters are counted in code, not in words")
    func counting() {
        let functions = SourceFunctions(
            """
            // func comment(_ a: Int, _ b: Int)
            func none() { print("func text(_ a: Int, _ b: Int)") }
            func one(_ a: [Int: (Int, _ b: Int)], of b: Int) {}
            func two<T: Sequence>(
                _ a: T, to b: Int = min(1, 2), _ body: (_ c: Int, _ d: Int) -> Void
            ) {}
            static func < (_ a: Self, _ b: Self) -> Bool { true }
            """)
        #expect(
            functions.all == [
                .init(name: "none", bare: 0), .init(name: "one", bare: 1),
                .init(name: "two", bare: 2),
            ])
    }

    private static func functions() throws -> [Declared] {
        let names = try #require(FileManager.default.enumerator(atPath: sources.path))
        return try names.compactMap { $0 as? String }
            .filter { $0.hasSuffix(".swift") }
            .flatMap { name in
                let source = try String(
                    contentsOf: sources.appending(path: name), encoding: .utf8)
                return SourceFunctions(source).all.map { Declared(file: name, function: $0) }
            }
    }
}
