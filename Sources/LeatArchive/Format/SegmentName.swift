public import PGWire

/// A segment, named for the position at which it begins: `00000016B374D848.leat`.
///
/// Sixteen hexadecimal digits, so that the order of names is the order of segments.
public struct SegmentName: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var first: LSN

    public init(_ first: LSN) {
        self.first = first
    }

    /// Nil for a file that is no segment.
    public init?(fileName: String) {
        let parts = fileName.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1] == "leat", parts[0].utf8.count == 16,
            let value = UInt64(parts[0], radix: 16), parts[0] == Self.digits(value)
        else { return nil }
        first = LSN(rawValue: value)
    }

    public var fileName: String { Self.digits(first.rawValue) + ".leat" }
    public var description: String { fileName }

    public static func < (left: SegmentName, right: SegmentName) -> Bool {
        left.first < right.first
    }

    private static func digits(_ value: UInt64) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
