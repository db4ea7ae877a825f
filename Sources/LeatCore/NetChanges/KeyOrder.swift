public import PGWire

extension NetTable {
    /// Indexes of ``rows``, about in the order of the key's index: rows that lie near one another
    /// are then met one after the other, in pages that the processor has at hand.
    ///
    /// Only speed hangs on it. Integers go by value, everything else by the first bytes that
    /// differ; two columns of a key are looked at.
    public func rowsByKey(of columns: Span<Column>, in bytes: RawSpan) -> [Int32] {
        guard let first = key.first else { return Array(0..<Int32(rows.count)) }
        let second = key.count > 1 ? key[1] : nil
        let skipped = commonPrefix(of: first, among: columns, in: bytes)
        let skippedInSecond = second.map { commonPrefix(of: $0, among: columns, in: bytes) } ?? 0
        var entries: [KeyRank] = []
        entries.reserveCapacity(rows.count)
        for (index, row) in rows.enumerated() {
            let place = Int(row.key)
            entries.append(
                KeyRank(
                    first: KeyRank.rank(columns[place + first], past: skipped, in: bytes),
                    second: second.map {
                        KeyRank.rank(columns[place + $0], past: skippedInSecond, in: bytes)
                    } ?? 0, row: Int32(index)))
        }
        entries.sort()
        return entries.map(\.row)
    }

    /// How many bytes all values of a column begin with alike.
    private func commonPrefix(of index: Int, among columns: Span<Column>, in bytes: RawSpan) -> Int
    {
        guard let row = rows.first else { return 0 }
        let model = columns[Int(row.key) + index].range
        var length = model.count
        for row in rows {
            let other = columns[Int(row.key) + index].range
            length = min(length, other.count)
            var same = 0
            while same < length,
                KeyRank.byte(model.lowerBound + same, in: bytes)
                    == KeyRank.byte(other.lowerBound + same, in: bytes)
            {
                same += 1
            }
            length = same
            if length == 0 { break }
        }
        return length
    }
}

/// Where a row stands among others.
private struct KeyRank: Comparable {
    var first: UInt64
    var second: UInt64
    var row: Int32

    static func < (a: KeyRank, b: KeyRank) -> Bool {
        if a.first != b.first { return a.first < b.first }
        return a.second != b.second ? a.second < b.second : a.row < b.row
    }

    static func rank(_ column: Column, past skipped: Int, in bytes: RawSpan) -> UInt64 {
        if column.kind == .text, let integer = integer(column.range, in: bytes) {
            return UInt64(bitPattern: integer) ^ 1 << 63
        }
        var rank: UInt64 = 0
        let start = column.range.lowerBound + skipped
        for offset in start..<start + 8 {
            rank = rank << 8
            if offset < column.range.upperBound { rank |= UInt64(byte(offset, in: bytes)) }
        }
        return rank
    }

    /// Nil if the text is no integer that surely fits.
    private static func integer(_ range: Range<Int>, in bytes: RawSpan) -> Int64? {
        guard (1...18).contains(range.count) else { return nil }
        let isNegative = byte(range.lowerBound, in: bytes) == UInt8(ascii: "-")
        var value: Int64 = 0
        for offset in range.lowerBound + (isNegative ? 1 : 0)..<range.upperBound {
            let digit = byte(offset, in: bytes) &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value &* 10 &+ Int64(digit)
        }
        return isNegative ? -value : value
    }

    @inline(__always)
    static func byte(_ offset: Int, in bytes: RawSpan) -> UInt8 {
        // SAFETY: the offset lies within a value of the batch, and so within its arena.
        unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}
