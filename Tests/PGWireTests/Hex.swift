/// Hexadecimal text of tests and captures.
enum Hex {
    /// Two digits a byte; spaces do not count.
    static func bytes(_ text: some StringProtocol) -> [UInt8] {
        let digits = text.utf8.filter { $0 != UInt8(ascii: " ") }.map(nibble)
        precondition(digits.count.isMultiple(of: 2), "half a byte")
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private static func nibble(_ digit: UInt8) -> UInt8 {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: preconditionFailure("not a hexadecimal digit")
        }
    }
}
