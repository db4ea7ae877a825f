/// Sizes and durations as PostgreSQL writes them in its settings. All that Leat reads of them, from
/// whatever place, is read here.
public enum UnitText {
    private static let sizes: [(suffix: String, bytes: Double)] = [
        ("kB", 1024), ("MB", 1_048_576), ("GB", 1_073_741_824), ("TB", 1_099_511_627_776), ("B", 1),
    ]

    private static let durations: [(suffix: String, milliseconds: Double)] = [
        ("ms", 1), ("min", 60_000), ("s", 1000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// So much of any unit is more than anybody means.
    private static let most = 1e9
    private static let mostBytes = 0x1p60

    /// Bytes: `512kB`, `64MB`, `1.5GB`, `2TB`; a bare number is bytes.
    ///
    /// - Returns: Nil if it is no size, or less than a byte.
    public static func bytes(_ text: String) -> Int? {
        guard let bytes = bytes(withUnit: text) ?? Int(text).map(Double.init),
            (1...mostBytes).contains(bytes)
        else { return nil }
        return Int(bytes)
    }

    /// `500ms`, `30s`, `5min`, `1h`, `2d`; a bare number is seconds.
    ///
    /// - Returns: Nil if it is no duration.
    public static func duration(_ text: String) -> Duration? {
        guard
            let milliseconds = milliseconds(withUnit: text)
                ?? Int(text).flatMap({ (0...Int(most)).contains($0) ? Double($0) * 1000 : nil })
        else { return nil }
        return .milliseconds(Int(milliseconds))
    }

    /// Nil also without a unit.
    public static func bytes(withUnit text: String) -> Double? {
        for (suffix, bytes) in sizes where text.hasSuffix(suffix) {
            return number(text.dropLast(suffix.count)).map { min($0 * bytes, mostBytes) }
        }
        return nil
    }

    /// Nil also without a unit.
    public static func milliseconds(withUnit text: String) -> Double? {
        for (suffix, milliseconds) in durations where text.hasSuffix(suffix) {
            return number(text.dropLast(suffix.count)).map { $0 * milliseconds }
        }
        return nil
    }

    /// Before a unit, with a blank between them at the most.
    private static func number(_ text: Substring) -> Double? {
        let digits = text.last == " " ? text.dropLast() : text
        guard let first = digits.first, first != ".",
            digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
            let number = Double(digits), number <= most
        else { return nil }
        return number
    }
}
