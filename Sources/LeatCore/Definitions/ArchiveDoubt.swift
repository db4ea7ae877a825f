public import PGWire

/// Rows of a table that changed on the source without being sent: an archive does not have that, so
/// from there on it tells of other rows than the source had, up to the next base.
public struct ArchiveDoubt: Sendable, Equatable {
    public var table: TableName
    /// What happened, for a sentence.
    public var reason: String
    /// Up to there nothing of the kind had happened.
    public var since: LSN
    /// The end of the source's WAL when it was noticed: it had happened before.
    public var noticed: LSN
    /// Of the base that has the rows as they are since then; nil: there is none yet.
    public var until: LSN?

    public init(
        table: TableName, reason: String, since: LSN, noticed: LSN, until: LSN? = nil
    ) {
        self.table = table
        self.reason = reason
        self.since = since
        self.noticed = noticed
        self.until = until
    }

    /// No base makes up for it yet.
    public var isOpen: Bool { until == nil }

    /// Whether what is read on from a position comes to it, or is in the midst of it.
    public func concerns(_ position: LSN) -> Bool { until.map { position < $0 } ?? true }

    /// - Parameter bases: Points of the archive's bases.
    public mutating func end(at bases: [LSN]) {
        guard until == nil else { return }
        until = bases.filter { $0 >= noticed }.min()
    }
}

extension ArchiveDoubt: CustomStringConvertible {
    public var description: String {
        "\(table) from \(since) \(until.map { "to base \($0)" } ?? "on"): \(reason)"
    }
}
