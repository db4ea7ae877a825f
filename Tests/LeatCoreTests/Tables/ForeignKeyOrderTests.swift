import LeatCore
import LeatTestSupport
import Testing

@Suite("The order of tables with foreign keys")
struct ForeignKeyOrderTests {
    private func table(_ name: String) -> TableName { TableName(schema: "s", name: name) }

    /// Such as `b>a`: b refers to a.
    private func keys(_ texts: String...) -> [ForeignKeyOrder.Key] {
        texts.map { text in
            let parts = text.split(separator: ">").map(String.init)
            return .init(constraint: text, child: table(parts[0]), parent: table(parts[1]))
        }
    }

    private func levels(
        _ tables: String, _ keys: [ForeignKeyOrder.Key]
    ) -> (levels: [String], circle: [String]) {
        let result = ForeignKeyOrder(keys).levels(tables.map { table("\($0)") })
        return (
            result.levels.map { $0.map(\.name).joined() }, result.circle.map(\.constraint).sorted()
        )
    }

    @Test("referenced tables come first, others as early as they can")
    func order() {
        let result = levels("cbadx", keys("b>a", "c>b", "d>a", "c>a", "b>outside", "outside>x"))

        #expect(result.levels == ["ax", "bd", "c"])
        #expect(result.circle.isEmpty)
    }

    @Test("a table that refers to itself waits for nothing")
    func itself() {
        #expect(levels("a", keys("a>a")).levels == ["a"])
    }

    @Test("a circle is named by its own foreign keys")
    func circle() {
        let result = levels("abcdx", keys("a>b", "b>c", "c>a", "d>a", "b>x"))

        #expect(result.levels == ["x"])
        #expect(result.circle == ["a>b", "b>c", "c>a"])
    }

    @Test("no key leads from an earlier level to a later one, whatever the keys")
    func anyKeys() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            let names = (0..<12).map { table("t\($0)") }
            // From a higher number to a lower one: no circle.
            let keys = (0..<20).map { number in
                let child = Int.random(in: 1..<12, using: &random)
                return ForeignKeyOrder.Key(
                    constraint: "\(number)", child: names[child],
                    parent: names[Int.random(in: 0..<child, using: &random)])
            }

            let (levels, circle) = ForeignKeyOrder(keys).levels(names.shuffled(using: &random))

            let place = Dictionary(
                uniqueKeysWithValues: levels.enumerated().flatMap { level in
                    level.element.map { ($0, level.offset) }
                })
            #expect(circle.isEmpty && place.count == 12)
            #expect(keys.allSatisfy { (place[$0.parent] ?? 99) < (place[$0.child] ?? -1) })
        }
    }
}
