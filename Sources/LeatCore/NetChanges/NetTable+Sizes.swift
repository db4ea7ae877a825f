public import PGWire

extension NetTable {
    /// How many rows would be staged, and how many inserted.
    public struct Sizes: Sendable, Equatable {
        public var staged = 0
        public var inserted = 0
    }

    /// Counts the rows, and marks the updates that are too wide to be staged.
    ///
    /// - Parameters:
    ///   - widest: Bytes of all values that an update sends.
    ///   - together: Whether the updates are to stay in their order, and so all go one way: that
    ///     of most of them.
    public mutating func measure(
        _ columns: Span<Column>, widest: Int, together: Bool
    ) -> Sizes {
        var (updates, wide) = (0, 0)
        for index in rows.indices where rows[index].updates {
            let isWide = sentBytes(rows[index], columns) > widest
            setWide(index, isWide)
            updates += 1
            if isWide { wide += 1 }
        }
        if together, wide > 0 {
            for index in rows.indices where rows[index].updates {
                setWide(index, 2 * wide > updates)
            }
        }
        var sizes = Sizes()
        for row in rows {
            if row.inserts { sizes.inserted += 1 }
            if row.isStaged { sizes.staged += 1 }
        }
        return sizes
    }

    private func sentBytes(_ row: NetRow, _ columns: Span<Column>) -> Int {
        var bytes = 0
        for index in Int(row.new)..<Int(row.new) + columnCount {
            bytes += Int(row.isMerged ? merged[index].length : columns[index].length)
        }
        return bytes
    }
}
