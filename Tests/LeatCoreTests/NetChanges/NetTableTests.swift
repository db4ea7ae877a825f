import LeatCore
import PGWire
import Testing

@Suite("Net changes")
struct NetTableTests {
    typealias Row = RowFeed.Row

    private func row(_ key: String, _ value: String, _ large: String? = "L") -> Row {
        Row(key: key, value: value, large: large)
    }

    @Test("insert and update make an insert")
    func insertUpdate() {
        let feed = RowFeed()
        #expect(feed.insert(row("1", "a")) == .folded)
        #expect(feed.update(row("1", "b")) == .folded)
        #expect(feed.inserted == [row("1", "b")])
        #expect(feed.updated.isEmpty && feed.deleted.isEmpty)
    }

    @Test("an update that does not send a large value keeps the earlier one")
    func keptTOAST() {
        let feed = RowFeed()
        #expect(feed.insert(row("1", "a", "large")) == .folded)
        #expect(feed.update(row("1", "b", nil)) == .folded)
        #expect(feed.inserted == [row("1", "b", "large")])

        #expect(feed.update(row("2", "a", nil)) == .folded)
        #expect(feed.update(row("2", "b", "new")) == .folded)
        #expect(feed.update(row("2", "c", nil)) == .folded)
        #expect(feed.update(row("3", "a", nil)) == .folded)
        #expect(feed.update(row("3", "b", nil)) == .folded)
        #expect(feed.updated == [row("2", "c", "new"), row("3", "b", nil)])
        #expect(feed.table.rows.map(\.isPartial) == [false, false, true])
    }

    @Test("insert and delete leave nothing, and the key is free again")
    func insertDelete() {
        let feed = RowFeed()
        #expect(feed.insert(row("1", "a")) == .folded)
        #expect(feed.delete("1") == .folded)
        #expect(feed.inserted.isEmpty && feed.deleted.isEmpty && feed.updated.isEmpty)
        #expect(feed.insert(row("1", "b")) == .folded)
        #expect(feed.inserted == [row("1", "b")])
    }

    @Test("delete and insert stay both, and are never an update")
    func deleteInsert() {
        let feed = RowFeed()
        #expect(feed.update(row("1", "a")) == .folded)
        #expect(feed.delete("1") == .folded)
        #expect(feed.insert(row("1", "b")) == .folded)
        #expect(feed.deleted == ["1"])
        #expect(feed.inserted == [row("1", "b")])
        #expect(feed.updated.isEmpty)
    }

    @Test("a moved key is a delete and an insert")
    func move() {
        let feed = RowFeed()
        #expect(feed.update(row("2", "a"), old: "1") == .folded)
        #expect(feed.update(row("3", "b"), old: "2") == .folded)
        #expect(feed.deleted == ["1"])
        #expect(feed.inserted == [row("3", "b")])
    }

    @Test("keys that are equal but not identical are rows of their own")
    func equalKeys() {
        let feed = RowFeed()
        #expect(feed.update(row("1.00", "a"), old: "1.0") == .folded)
        #expect(feed.deleted == ["1.0"])
        #expect(feed.inserted == [row("1.00", "a")])
    }

    @Test("an old key that did not change says nothing")
    func unchangedOldKey() {
        let feed = RowFeed(movesKeys: false)
        #expect(feed.update(row("1", "a"), old: "1") == .folded)
        #expect(feed.updated == [row("1", "a")])
    }

    @Test("what cannot be folded is a barrier and changes nothing")
    func barriers() {
        let feed = RowFeed()
        #expect(feed.update(row("2", "a", nil), old: "1") == .barrier)
        #expect(feed.insert(row("1", "a")) == .folded)
        #expect(feed.insert(row("1", "b")) == .barrier)
        #expect(feed.update(row("1", "b"), old: "5") == .barrier)
        #expect(feed.delete("7") == .folded)
        #expect(feed.delete("7") == .barrier)
        #expect(feed.update(row("7", "b")) == .barrier)
        #expect(feed.inserted == [row("1", "a")])
        #expect(feed.deleted == ["7"])

        let fixed = RowFeed(movesKeys: false)
        #expect(fixed.update(row("2", "a"), old: "1") == .barrier)
        #expect(fixed.table.isEmpty)
    }

    @Test("without a key only inserts are folded")
    func keyless() {
        let feed = RowFeed(isKeyed: false)
        #expect(feed.insert(row("1", "a")) == .folded)
        #expect(feed.insert(row("1", "a")) == .folded)
        #expect(feed.update(row("1", "b")) == .barrier)
        #expect(feed.delete("1") == .barrier)
        #expect(feed.inserted == [row("1", "a"), row("1", "a")])
    }

    @Test("random histories end as they would one by one")
    func histories() {
        var generator = SeededHistory()
        for _ in 0..<300 {
            let isEqual = generator.run()
            #expect(isEqual)
        }
    }
}
