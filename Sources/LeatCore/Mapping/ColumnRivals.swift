internal import PGWire

/// Columns that are gone, or have another name by now, and that a relation may be about instead of
/// those that have its names.
///
/// A worked example. 2 `v` was known; the source ran `rename v to w; drop w; add w` (3). A relation
/// with a column `w` may be of either: the transaction that dropped 2 is known, and one that began
/// behind it is about 3.
struct ColumnRivals {
    private let relation: Relation
    private let now: [Int: SourceColumn]
    private let known: KnownColumns
    private let sighting: ColumnRoutes.Sighting

    init(
        _ relation: Relation, now: [SourceColumn], known: KnownColumns,
        sighting: ColumnRoutes.Sighting
    ) {
        self.relation = relation
        self.now = Dictionary(now.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
        self.known = known
        self.sighting = sighting
    }

    /// Names of the columns whose numbers may be others.
    func doubtful(_ numbers: [Int?]) -> [String] {
        guard let dropped = sighting.dropped else { return [] }
        let taken = Set(numbers.compactMap { $0 })
        return numbers.indices.filter { index in
            guard let number = numbers[index] else { return false }
            let (column, isMade) = (relation.columns[index], now[number] != nil)
            guard isMade ? known[number] == nil : dropped[number] != nil else { return false }
            let low = numbers[..<index].last { $0 != nil }.flatMap { $0 } ?? 0
            let high = numbers[(index + 1)...].first { $0 != nil }.flatMap { $0 } ?? .max
            func isRival(_ other: Int) -> Bool {
                low < other && other < high && !taken.contains(other)
            }
            guard !isMade else {
                return dropped.contains {
                    isRival($0.key) && mayBe(column, as: $0.key, goneBy: $0.value)
                }
            }
            return now.values.contains {
                isRival($0.number) && mayBe(column, as: $0, since: dropped[number] ?? 0)
            }
        }.map { relation.columns[$0].name }
    }

    /// Whether the relation may be about a column that was dropped since.
    private func mayBe(_ column: RelationColumn, as number: Int, goneBy drop: UInt32) -> Bool {
        if known[number]?.isGone == true { return false }
        // Nothing of it was sent.
        if known[number] == nil, let earlier = sighting.earlier?[number],
            earlier.generation != .none
        {
            return false
        }
        if let earlier = sighting.earlier?[number], !earlier.hasType(of: column) { return false }
        return sighting.changedBy?.follows(drop) != true
    }

    /// Whether it may be about one that was made behind a drop, and has got its name since.
    private func mayBe(
        _ column: RelationColumn, as new: SourceColumn, since drop: UInt32
    ) -> Bool {
        known[new.number] == nil && new.hasType(of: column)
            && sighting.changedBy?.follows(drop) == true
    }
}
