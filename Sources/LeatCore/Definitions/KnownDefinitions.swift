public import PGWire

/// What a followed table was, as far as the stream has come, and as far as the catalog was looked
/// at: that is ahead of the stream.
public struct KnownDefinitions: Sendable, Equatable {
    /// At the stored position: what the target's table has followed to.
    public private(set) var base: TableDefinition
    /// At the last look.
    public private(set) var seen: TableDefinition
    /// The end of the source's WAL when that was first seen. What the stream has to say of it, it
    /// has said up to there.
    public private(set) var seenLSN: LSN?

    public init(_ definition: TableDefinition) {
        base = definition
        seen = definition
    }

    public init(base: TableDefinition, seen: TableDefinition?, seenLSN: LSN?) {
        self.base = base
        self.seen = seen ?? base
        self.seenLSN = seenLSN
    }

    /// Whether the source has something that the stream, or the target, has still to come to.
    public var isAhead: Bool { !base.isSame(as: seen) }

    /// Whether the stream has told all that it can of what was seen.
    public func isReached(by position: LSN) -> Bool {
        isAhead && seenLSN.map { $0 <= position } ?? false
    }

    /// The catalog was looked at.
    ///
    /// - Returns: Whether it says anything new.
    public mutating func look(_ now: TableDefinition, at end: LSN) -> Bool {
        var now = now
        now.keepMissingValues(of: seen)
        guard !now.isSame(as: seen) else {
            seen.horizon = now.horizon
            return false
        }
        now.targets = [:]
        seen = now
        seenLSN = end
        return true
    }

    /// The stream has told all that it can, wherever the position is.
    public mutating func reach() {
        seenLSN = .zero
    }

    /// The target has followed to what was seen.
    public mutating func follow(_ target: TargetTable, _ known: KnownColumns) {
        seen.agree(on: target, known)
        base = seen
        seenLSN = nil
    }

    /// Notes of which types the target's columns are, where that was not known.
    public mutating func agree(on target: TargetTable, _ known: KnownColumns) {
        guard base.targets.isEmpty else { return }
        base.agree(on: target, known)
        if !isAhead { seen = base }
    }
}
