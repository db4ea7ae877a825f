/// A position in the write-ahead log: a byte offset in the source's WAL.
///
/// Printed as PostgreSQL 15 prints it, `16/B374D848`: the upper and the lower
/// 32 bits in upper-case hexadecimal, not padded. A name says which position it
/// is: `commitLSN` is the start of the commit record, `endLSN` lies just past it.
///
/// Source: "pg_lsn Type" in the PostgreSQL manual.
public struct LSN: RawRepresentable, Hashable, Sendable {
    /// Byte offset from the beginning of the WAL.
    public let rawValue: UInt64

    /// The position `0/0`, which PostgreSQL calls invalid: no position at all.
    public static let zero = LSN(rawValue: 0)

    /// A position by its number of bytes.
    @inlinable
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Whether this is ``zero``, PostgreSQL's invalid position.
    @inlinable
    public var isZero: Bool { rawValue == 0 }
}

extension LSN: Comparable {
    /// The order of the WAL.
    @inlinable
    public static func < (left: LSN, right: LSN) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension LSN: ExpressibleByIntegerLiteral {
    /// For positions written in code, such as `0x16B3748`.
    @inlinable
    public init(integerLiteral value: UInt64) {
        rawValue = value
    }
}

extension LSN: LosslessStringConvertible {
    /// Parses `X/X`: one to eight hexadecimal digits, upper or lower case, on
    /// each side of the slash, and nothing else: no sign, no space, no prefix.
    public init?(_ description: String) {
        let parts = description.utf8.split(
            separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 2,
            let upper = Self.half(parts[0]), let lower = Self.half(parts[1])
        else { return nil }
        rawValue = UInt64(upper) << 32 | UInt64(lower)
    }

    /// Such as `16/B374D848`.
    public var description: String {
        let upper = String(rawValue >> 32, radix: 16, uppercase: true)
        let lower = String(rawValue & 0xFFFF_FFFF, radix: 16, uppercase: true)
        return upper + "/" + lower
    }

    private static func half(_ digits: Substring.UTF8View) -> UInt32? {
        guard (1...8).contains(digits.count) else { return nil }
        var value: UInt32 = 0
        for digit in digits {
            guard let nibble = nibble(digit) else { return nil }
            value = value << 4 | nibble
        }
        return value
    }

    private static func nibble(_ digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(digit - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(digit - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
