import LeatCore
import LeatTestSupport
import PGWire

/// Random changes of a few rows, as a table with a primary key allows them.
struct SeededHistory {
    private var generator = SeededGenerator(seed: SeededGenerator.printedSeed())
    private var source: [String: RowFeed.Row] = [:]
    private var target: [String: RowFeed.Row] = [:]
    private var feed = RowFeed()
    private var values = 0

    /// Runs one history of several batches; false as soon as the target is not as the source.
    mutating func run() -> Bool {
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            feed.batch.removeAll()
            for _ in 0..<Int.random(in: 1...200, using: &generator) {
                guard step() else { return false }
            }
            guard flush(), source == target else { return false }
        }
        return true
    }

    private mutating func flush() -> Bool {
        defer { feed.table.removeAll() }
        return feed.apply(to: &target)
    }

    private mutating func value() -> String {
        values += 1
        return "v\(values)"
    }

    /// Keys of the same number in several spellings: never two of them at once.
    private mutating func key() -> (number: Int, text: String) {
        let number = Int.random(in: 0..<12, using: &generator)
        return (
            number, ["\(number)", "\(number).0", "\(number).00"].randomElement(using: &generator)!
        )
    }

    private func isTaken(_ number: Int) -> Bool {
        source.keys.contains { Double($0) == Double(number) }
    }

    private mutating func step() -> Bool {
        let existing = source.values.sorted { $0.key < $1.key }.randomElement(using: &generator)
        let (number, fresh) = key()
        switch (Int.random(in: 0..<4, using: &generator), existing) {
        case (0, _), (_, nil):
            guard !isTaken(number) else { return true }
            let row = RowFeed.Row(key: fresh, value: value(), large: value())
            source[fresh] = row
            return take(row, { $0.insert($1) })
        case (1, let row?):
            source[row.key] = nil
            return take(row, { $0.delete($1.key) })
        case (2, let row?):
            guard !isTaken(number) || Double(row.key) == Double(number) else { return true }
            let moved = RowFeed.Row(key: fresh, value: value(), large: row.large)
            source[row.key] = nil
            source[fresh] = moved
            return take(moved, { $0.update($1, old: row.key) })
        case (_, let row?):
            let keeps = generator.once(in: 2)
            let sent = RowFeed.Row(key: row.key, value: value(), large: keeps ? nil : value())
            source[row.key] = RowFeed.Row(
                key: row.key, value: sent.value, large: keeps ? row.large : sent.large)
            return take(sent, { $0.update($1) })
        }
    }

    /// All of these can be folded.
    private mutating func take(
        _ row: RowFeed.Row, _ body: (RowFeed, RowFeed.Row) -> NetTable.Outcome
    ) -> Bool {
        body(feed, row) == .folded
    }
}
