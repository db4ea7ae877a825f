internal import PGWire

/// Hashes the bytes of a row's key.
struct KeyHash: Sendable {
    /// Another one in every process: nobody can choose keys that all collide.
    private let seed = UInt64.random(in: .min ... .max)

    func hash(
        _ first: Int, key: [Int], of columns: Span<Column>, in bytes: RawSpan
    ) -> UInt32 {
        var state = seed
        for index in 0..<key.count {
            let column = columns[first + key[index]]
            state = KeyHash.mix(
                state ^ UInt64(column.length), value(column.range, in: bytes) ^ state)
        }
        return UInt32(truncatingIfNeeded: state ^ (state >> 32))
    }

    private func value(_ range: Range<Int>, in bytes: RawSpan) -> UInt64 {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        var offset = range.lowerBound
        while offset + 8 <= range.upperBound {
            // SAFETY: the eight bytes lie within the range, which lies within the arena.
            let word = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            state = KeyHash.mix(state ^ word, 0xA076_1D64_78BD_642F)
            offset += 8
        }
        var tail: UInt64 = 0
        while offset < range.upperBound {
            // SAFETY: as above.
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            tail = tail << 8 | UInt64(byte)
            offset += 1
        }
        return KeyHash.mix(state ^ tail, 0xE703_7ED1_A0B4_28DB)
    }

    private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b | 1)
        return product.high ^ product.low
    }
}
