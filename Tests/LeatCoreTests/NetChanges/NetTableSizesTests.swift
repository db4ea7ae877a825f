import LeatCore
import PGWire
import Testing

@Suite("Which net changes are staged")
struct NetTableSizesTests {
    private func feed() -> RowFeed {
        let feed = RowFeed()
        #expect(feed.update(.init(key: "1", value: "a", large: nil)) == .folded)
        #expect(feed.update(.init(key: "2", value: "b", large: "large")) == .folded)
        #expect(feed.update(.init(key: "3", value: "c", large: nil)) == .folded)
        #expect(feed.insert(.init(key: "4", value: "d", large: "large")) == .folded)
        #expect(feed.delete("5") == .folded)
        return feed
    }

    @Test("wide updates are not, whatever the others are")
    func wide() {
        let feed = feed()
        let sizes = feed.table.measure(feed.batch.columns.span, widest: 4, together: false)
        #expect(sizes.staged == 3 && sizes.inserted == 1)
        #expect(feed.table.rows.map(\.isWide) == [false, true, false, false, false])
        #expect(feed.table.rows.map(\.isStaged) == [true, false, true, false, true])
    }

    @Test("what was not sent again counts if an earlier change in the batch sent it")
    func merged() {
        let feed = feed()
        #expect(feed.update(.init(key: "2", value: "x", large: nil)) == .folded)
        _ = feed.table.measure(feed.batch.columns.span, widest: 4, together: false)
        #expect(feed.table.rows[1].isWide)
    }

    @Test("updates that keep their order go the way of most of them")
    func together() {
        let feed = feed()
        var sizes = feed.table.measure(feed.batch.columns.span, widest: 4, together: true)
        #expect(sizes.staged == 4 && sizes.inserted == 1)
        #expect(feed.table.rows.filter(\.isWide).isEmpty)

        sizes = feed.table.measure(feed.batch.columns.span, widest: 1, together: true)
        #expect(sizes.staged == 1 && sizes.inserted == 1)
        #expect(feed.table.rows.map(\.isWide) == [true, true, true, false, false])
    }
}
