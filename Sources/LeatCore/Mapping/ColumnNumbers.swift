internal import PGWire

/// Which numbers the columns of a relation have on the source, of which the stream tells only names
/// and types.
struct ColumnNumbers {
    /// Nil where they are not known.
    private(set) var numbers: [Int?] = []
    /// Names that two columns have had, where the relation may have either.
    private(set) var ambiguous: [String] = []

    private let names: [String]

    /// A relation lists its columns in the order of their numbers, under the names of its time.
    ///
    /// - Parameters:
    ///   - source: What the table has now.
    ///   - known: What it had at the stored position.
    init(
        _ relation: Relation, now source: [SourceColumn], known: KnownColumns,
        sighting: ColumnRoutes.Sighting
    ) {
        names = relation.columns.map(\.name)
        let now = source.sorted { $0.number < $1.number }
        let fitsNow = fits(now.map(\.name))
        let fitsThen = fits(known.present.map { known[$0]?.name ?? "" })
        switch (fitsNow, fitsThen) {
        case (true, true):
            choose(relation, now, known, sighting)
        case (true, false):
            numbers = now.map(\.number)
        case (false, true):
            numbers = known.present
        case (false, false):
            numbers = byElimination(now, known)
        }
    }

    private func fits(_ others: [String]) -> Bool {
        others.count == names.count && zip(others, names).allSatisfy { $0.isSameName(as: $1) }
    }

    /// The names were the same before. Types may tell the two apart; else it is the transaction
    /// that does.
    private mutating func choose(
        _ relation: Relation, _ now: [SourceColumn], _ known: KnownColumns,
        _ sighting: ColumnRoutes.Sighting
    ) {
        let (new, old) = (now.map(\.number), known.present)
        numbers = new
        guard new != old else { return }
        let earlier = old.compactMap { sighting.earlier?[$0] }
        if earlier.count == old.count {
            let (hasNew, hasOld) = (now.have(shapeOf: relation), earlier.have(shapeOf: relation))
            guard hasNew == hasOld else {
                if hasOld { numbers = old }
                return
            }
        }
        let made = now.filter { !old.contains($0.number) }
        if let xid = sighting.redescribedBy, made.allSatisfy({ xid.follows($0.version) }) { return }
        ambiguous = made.map(\.name)
    }

    /// Between the two: those whose name nothing speaks against, and then, if there is just one
    /// way to do it, the others in their order.
    private func byElimination(_ now: [SourceColumn], _ known: KnownColumns) -> [Int?] {
        let current = Dictionary(
            now.map { ($0.number, $0.name) }, uniquingKeysWith: { first, _ in first })
        let all = Set(known.present).union(current.keys).sorted()
        var left = all
        var numbers: [Int?] = names.map { name in
            let fitting = all.filter { number in
                [known[number]?.name, current[number]].compactMap { $0 }
                    .allSatisfy { $0.isSameName(as: name) }
            }
            guard fitting.count == 1 else { return nil }
            left.removeAll { $0 == fitting[0] }
            return fitting[0]
        }
        let open = numbers.indices.filter { numbers[$0] == nil }
        guard open.count == left.count else { return numbers }
        for (index, number) in zip(open, left) { numbers[index] = number }
        let whole = numbers.compactMap { $0 }
        return whole == whole.sorted() ? numbers : names.map { _ in nil }
    }
}

extension TransactionID {
    /// Whether it was assigned after another one, as far as 2^31 transactions tell. Never, if the
    /// other one is not known.
    fileprivate func follows(_ other: UInt32) -> Bool {
        other != 0 && Int32(bitPattern: rawValue &- other) > 0
    }
}
