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
            seen.dropped = now.dropped
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

    /// What was seen is the base now.
    public mutating func follow() {
        base = seen
        seenLSN = nil
    }

    /// The target has followed to what was seen.
    public mutating func follow(on target: TargetTable, by known: KnownColumns) {
        seen.agree(on: target, known)
        follow()
    }

    /// Notes of which types the target's columns are, where that was not known.
    public mutating func agree(on target: TargetTable, _ known: KnownColumns) {
        guard base.targets.isEmpty else { return }
        base.agree(on: target, known)
        if !isAhead { seen = base }
    }
}

extension KnownDefinitions {
    /// Columns that had another type between, of which the stream has said nothing yet, and have the
    /// one of before again: it may never say anything of it.
    public func returned(to now: TableDefinition, sent: [String]) -> [DefinitionChange.Finding] {
        guard isAhead else { return [] }
        let names = now.columns.filter { column in
            guard let first = base[column.number], let between = seen[column.number] else {
                return false
            }
            return column.hasType(of: first) && !between.hasType(of: first)
                && sent.contains { $0.isSameName(as: column.name) }
        }.map(\.name)
        guard !names.isEmpty else { return [] }
        return DefinitionChange(from: base, to: now, sent: names, mayBeUnlogged: { _ in false })
            .findings
    }

    /// Whether rows from before and after what was seen are described in the same way.
    public var isSentAlike: Bool { changedColumns.isEmpty && gone.isEmpty }

    /// Whether a relation describes rows as they are since what was seen.
    public func isShown(by relation: Relation) -> Bool {
        let described = relation.columns.allSatisfy { column in
            seen.sent.contains { $0.isDescribed(by: column) }
        }
        return described
            && changedColumns.allSatisfy { column in
                relation.columns.contains { column.isDescribed(by: $0) }
            }
    }

    private var changedColumns: [SourceColumn] {
        seen.sent.filter { column in
            guard let earlier = base[column.number] else { return true }
            return !column.hasType(of: earlier) || !column.name.isSameName(as: earlier.name)
        }
    }

    private var gone: [SourceColumn] { base.sent.filter { seen[$0.number] == nil } }
}

extension TableDefinition {
    fileprivate var sent: [SourceColumn] { columns.filter { $0.generation == .none } }
}

extension SourceColumn {
    fileprivate func isDescribed(by column: RelationColumn) -> Bool {
        name.isSameName(as: column.name) && typeOID == column.typeOID
            && typeModifier == column.typeModifier
    }
}
