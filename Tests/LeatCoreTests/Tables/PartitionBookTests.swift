import LeatCore
import PGWire
import Testing

@Suite("Partitions behind the stream's back")
struct PartitionBookTests {
    private static let root = RelationID(rawValue: 1)
    private static let roots = [TableName(schema: "public", name: "p"): root]

    private static func found(_ id: UInt32, rows: Bool = false) -> PartitionBook.Found {
        PartitionBook.Found(
            root: root, id: RelationID(rawValue: id),
            name: TableName(schema: "public", name: "p_\(id)"), broughtRows: rows)
    }

    private func note(
        _ book: inout PartitionBook, _ ids: UInt32..., withRows: Set<UInt32> = [],
        existing: Set<UInt32> = []
    ) -> [String] {
        book.note(
            ids.map { Self.found($0, rows: withRows.contains($0)) }, under: Self.roots,
            existing: Set(existing.map(RelationID.init(rawValue:)))
        ).map { "\($0.name.name) \($0.change?.rawValue ?? "known")" }
    }

    @Test("what is there at the first look is known, rows or not")
    func first() {
        var book = PartitionBook()

        #expect(note(&book, 2, 3, withRows: [3]) == ["p known", "p_2 known", "p_3 known"])
        #expect(note(&book, 2, 3).isEmpty)
        #expect(book.changeCount == 0)
    }

    @Test("a root without partitions was looked at too")
    func emptyRoot() {
        var book = PartitionBook()

        #expect(note(&book) == ["p known"])
        #expect(note(&book, 2, withRows: [2]) == ["p_2 attached"])
    }

    @Test("a new one with rows is noted, an empty one is not")
    func attached() {
        var book = PartitionBook()
        _ = note(&book, 2)

        #expect(note(&book, 2, 3, 4, withRows: [4]) == ["p_3 known", "p_4 attached"])
        #expect(book.changeCount == 1)
    }

    @Test("one that is gone was detached if the table is still there, else dropped")
    func gone() {
        var book = PartitionBook()
        _ = note(&book, 2, 3)

        #expect(note(&book, existing: [2]) == ["p_2 detached", "p_3 dropped"])
        #expect(note(&book, existing: [2]).isEmpty)
        #expect(note(&book) == ["p_2 dropped"])
        #expect(book.changeCount == 2)
    }

    @Test("nothing that comes later makes a change unhappen")
    func stays() {
        var book = PartitionBook()
        _ = note(&book, 2)

        #expect(note(&book, existing: [2]) == ["p_2 detached"])
        #expect(note(&book, 2) == ["p_2 attached"])
        #expect(note(&book, 2).isEmpty)
        #expect(book.changeCount == 1)
    }
}
