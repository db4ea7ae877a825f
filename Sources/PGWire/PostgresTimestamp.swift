/// A moment as PostgreSQL stores it: microseconds since 2000-01-01 00:00:00 UTC.
///
/// Source: "Streaming Replication Protocol" in the PostgreSQL manual, which
/// counts the times in its messages from "midnight on 2000-01-01".
public struct PostgresTimestamp: RawRepresentable, Hashable, Sendable {
    /// Microseconds since 2000-01-01 00:00:00 UTC; negative before it.
    public let rawValue: Int64

    /// Microseconds from the Unix epoch to PostgreSQL's: 10957 days.
    private static let epochOffset: Int64 = 10_957 * 86_400 * 1_000_000

    /// Microseconds since 2000-01-01, as the server counts.
    @inlinable
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// Takes microseconds since 1970-01-01 00:00:00 UTC. What lies outside the
    /// range of 64 bits becomes the nearest moment that PostgreSQL can tell.
    public init(unixMicroseconds: Int64) {
        let (value, overflow) = unixMicroseconds.subtractingReportingOverflow(Self.epochOffset)
        rawValue = overflow ? .min : value
    }

    /// Microseconds since 1970-01-01 00:00:00 UTC. A server may send any number,
    /// so what 64 bits cannot hold becomes the greatest that they can.
    public var unixMicroseconds: Int64 {
        let (value, overflow) = rawValue.addingReportingOverflow(Self.epochOffset)
        return overflow ? .max : value
    }
}

extension PostgresTimestamp: Comparable {
    /// The order of time.
    @inlinable
    public static func < (left: PostgresTimestamp, right: PostgresTimestamp) -> Bool {
        left.rawValue < right.rawValue
    }
}
