public import PGWire

extension NetTable {
    /// How many rows would be staged, and how many inserted.
    public struct Sizes: Sendable, Equatable {
        public var staged = 0
        public var inserted = 0
    }

    /// Counts the rows, and marks those that are too wide to be staged.
    ///
    /// - Parameters:
    ///   - widest: Bytes of all values of a row. A key alone is never too wide.
    ///   - together: Whether the updates are to stay in their order, and so all go one way: that
    ///     of most of them.
    public mutating func measure(
        _ columns: Span<Column>, widest: Int, together: Bool
    ) -> Sizes {
        var (updates, wide) = (0, 0)
        for index in rows.indices where rows[index].updates {
            let isWide = sentBytes(of: rows[index], in: columns) > widest
            rows[index].isWide = isWide
            updates += 1
            if isWide { wide += 1 }
        }
        if together, wide > 0 {
            for index in rows.indices where rows[index].updates {
                rows[index].isWide = 2 * wide > updates
            }
        }
        if isWholeRows {
            for index in rows.indices where rows[index].deletes {
                rows[index].isWide = bytes(rows[index].key, in: columns) > widest
            }
        }
        var sizes = Sizes()
        for row in rows {
            sizes.inserted += row.copies(.insert)
            if row.isStaged { sizes.staged += 1 }
        }
        return sizes
    }

    private func sentBytes(of row: NetRow, in columns: Span<Column>) -> Int {
        row.isMerged ? bytes(row.new, in: merged.span) : bytes(row.new, in: columns)
    }

    private func bytes(_ first: UInt32, in columns: Span<Column>) -> Int {
        var bytes = 0
        for index in Int(first)..<Int(first) + columnCount { bytes += Int(columns[index].length) }
        return bytes
    }
}
