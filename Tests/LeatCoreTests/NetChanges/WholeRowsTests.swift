import LeatCore
import LeatTestSupport
import PGWire
import Testing

@Suite("Net changes of whole rows")
struct WholeRowsTests {
    typealias Row = RowFeed.Row

    private func row(_ key: String, _ value: String = "v", _ large: String? = "L") -> Row {
        Row(key: key, value: value, large: large)
    }

    @Test("an update is a delete and an insert; what comes and goes is neither")
    func chain() {
        let feed = RowFeed(isWholeRows: true)
        #expect(feed.update(row("1", "b"), oldRow: row("1", "a")) == .folded)
        #expect(feed.update(row("1", "c"), oldRow: row("1", "b")) == .folded)
        #expect(feed.deletedRows == [row("1", "a")])
        #expect(feed.insertedRows == [row("1", "c")])
    }

    @Test("a row that is put back must have been there")
    func putBack() {
        let feed = RowFeed(isWholeRows: true)
        #expect(feed.delete(row("1")) == .folded)
        #expect(feed.insert(row("1")) == .folded)
        #expect(feed.deletedRows == [row("1")])
        #expect(feed.insertedRows == [row("1")])
    }

    @Test("equal rows are counted")
    func copies() {
        let feed = RowFeed(isWholeRows: true)
        for _ in 0..<3 { #expect(feed.insert(row("1")) == .folded) }
        #expect(feed.delete(row("1")) == .folded)
        for _ in 0..<2 { #expect(feed.delete(row("2")) == .folded) }
        #expect(feed.insertedRows == [row("1"), row("1")])
        #expect(feed.deletedRows == [row("2"), row("2")])
        #expect(feed.table.rows.count == 2)
    }

    @Test("more equal rows than are counted are a barrier, and leave what was there")
    func mostCopies() {
        let feed = RowFeed(isWholeRows: true)
        for _ in 0..<30_000 { _ = feed.insert(row("1")) }
        #expect(feed.insert(row("1")) == .barrier)
        #expect(feed.update(row("1"), oldRow: row("2")) == .barrier)
        #expect(feed.deletedRows.isEmpty && feed.insertedRows.count == 30_000)
    }

    @Test("a large value that is not sent again is the old row's")
    func unchangedTOAST() {
        let feed = RowFeed(isWholeRows: true)
        #expect(feed.update(row("1", "b", nil), oldRow: row("1", "a", "L")) == .folded)
        #expect(feed.insertedRows == [row("1", "b", "L")])
        #expect(feed.update(row("1", "c", nil), oldRow: row("1", "b", "L")) == .folded)
        #expect(feed.deletedRows == [row("1", "a", "L")])
        #expect(feed.insertedRows == [row("1", "c", "L")])
        #expect(feed.delete(row("1", "c", "L")) == .folded)
        #expect(feed.insertedRows.isEmpty)
    }

    @Test("a change without the whole old row is a barrier")
    func noOldRow() {
        let feed = RowFeed(isWholeRows: true)
        #expect(feed.update(row("1")) == .barrier)
        #expect(feed.delete("1") == .barrier)
        #expect(feed.insert(row("1", "a", nil)) == .barrier)
        #expect(feed.table.isEmpty)
    }

    @Test("wide rows are not staged")
    func wide() {
        let feed = RowFeed(isWholeRows: true)
        #expect(feed.delete(row("1", "a", "large")) == .folded)
        #expect(feed.delete(row("2", "b", "L")) == .folded)
        let sizes = feed.table.measure(feed.batch.columns.span, widest: 4, together: false)
        #expect(sizes.staged == 1)
        #expect(feed.table.rows.map(\.isStaged) == [false, true])
    }

    @Test("random histories end as they would one by one", arguments: 0..<200)
    func histories(_: Int) {
        var generator = SeededGenerator(seed: SeededGenerator.printedSeed())
        let feed = RowFeed(isWholeRows: true)
        var (source, target) = ([Row](), [Row]())
        for _ in 0..<4 {
            feed.batch.removeAll()
            for _ in 0..<Int.random(in: 1...100, using: &generator) {
                let fresh = row("\(Int.random(in: 0..<6, using: &generator))")
                let old = source.indices.randomElement(using: &generator)
                switch (Int.random(in: 0..<3, using: &generator), old) {
                case (0, _), (_, nil):
                    source.append(fresh)
                    #expect(feed.insert(fresh) == .folded)
                case (1, let old?):
                    #expect(feed.delete(source.remove(at: old)) == .folded)
                case (_, let old?):
                    #expect(feed.update(fresh, oldRow: source[old]) == .folded)
                    source[old] = fresh
                }
            }
            for row in feed.deletedRows {
                guard let place = target.firstIndex(of: row) else {
                    Issue.record("a row is deleted that is not there")
                    return
                }
                target.remove(at: place)
            }
            target += feed.insertedRows
            feed.table.removeAll()
            #expect(target.sorted { $0.key < $1.key } == source.sorted { $0.key < $1.key })
        }
    }
}
