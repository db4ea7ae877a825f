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
            choose(relation, now: now, known: known, sighting: sighting)
        case (true, false):
            numbers = now.map(\.number)
        case (false, _):
            eliminate(relation, now: now, known: known, sighting: sighting)
        }
        let rivals = ColumnRivals(relation, now: now, known: known, sighting: sighting)
        ambiguous += rivals.doubtful(numbers).filter { !ambiguous.contains($0) }
    }

    private func fits(_ others: [String]) -> Bool {
        others.count == names.count && zip(others, names).allSatisfy { $0.isSameName(as: $1) }
    }

    /// The names were the same before. Types may tell the two apart; else it is the transaction
    /// that does.
    private mutating func choose(
        _ relation: Relation, now: [SourceColumn], known: KnownColumns,
        sighting: ColumnRoutes.Sighting
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

    /// Between the two: a relation has its columns in the order of their numbers, each under a name
    /// that it has had or, where none has had that, between. Those that this leaves one number.
    ///
    /// A worked example. 2 `a`, 3 `b`, 4 `c` were known; the source ran `drop a; add a` (5), then
    /// `drop c; add c` (6). A relation `b, c, a` is from between: `a` behind `c` is 5, and so `c` is 4.
    ///
    /// Where no order of such names is left, columns had others between: `rename a to x; rename b to
    /// a; rename x to b` is a relation `b, a`, and the next `drop a; rename b to a` leaves 3 `a`.
    private mutating func eliminate(
        _ relation: Relation, now: [SourceColumn], known: KnownColumns,
        sighting: ColumnRoutes.Sighting
    ) {
        let current = Dictionary(
            now.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
        // Of some that came and went between nothing is left but that they are gone.
        let last = known.numbers.last ?? 0
        let gone = sighting.dropped?.keys.filter { $0 > last } ?? []
        let order = ColumnOrder(known: known.present, now: now.map(\.number), others: gone)
        let named = names.map { name in
            order.all.filter { number in
                [known[number]?.name, current[number]?.name]
                    .contains { $0?.isSameName(as: name) == true }
            }
        }
        // Of a table that is gone, or of an archive, nobody knows all numbers that there were.
        let isWhole = !now.isEmpty && sighting.dropped != nil
        func isFree(_ number: Int, for name: String) -> Bool {
            guard let column = current[number], let earlier = sighting.earlier?[number],
                column.version != 0, column.version == earlier.version
            else { return true }
            return column.name.isSameName(as: name)
        }
        let possible =
            order.places(named.map { $0.isEmpty ? order.all : $0 })
            ?? (isWhole
                ? order.places(names.map { name in order.all.filter { isFree($0, for: name) } })
                : nil)
            ?? beside(order, named: named)
        guard let possible else { return numbers = names.map { _ in nil } }
        numbers = possible.enumerated().map { index, numbers in
            guard let first = numbers.first, let last = numbers.last, first != last else {
                return numbers.first
            }
            guard named[index].count > 1 else { return nil }
            let number = choose(
                relation.columns[index], old: first, new: current[last], sighting: sighting)
            if number == nil { ambiguous.append(names[index]) }
            return number
        }
    }

    /// The same where some are columns that came and went, of which nothing is known.
    private func beside(_ order: ColumnOrder, named: [[Int]]) -> [[Int]]? {
        let last = order.all.last ?? 0
        let wider = order.adding(Array(last + 1...last + max(1, names.count)))
        return wider.places(named.map { $0.isEmpty ? wider.all : $0 })?
            .map { $0.contains { $0 > last } ? [] : $0 }
    }

    /// The column that was known, or the one that was made since.
    private func choose(
        _ column: RelationColumn, old: Int, new: SourceColumn?,
        sighting: ColumnRoutes.Sighting
    ) -> Int? {
        guard let new else { return nil }
        if let earlier = sighting.earlier?[old] {
            let (hasOld, hasNew) = (earlier.hasType(of: column), new.hasType(of: column))
            guard hasOld == hasNew else { return hasOld ? old : new.number }
        }
        return sighting.redescribedBy?.follows(new.version) == true ? new.number : nil
    }
}

extension TransactionID {
    /// Whether it was assigned after another one, as far as 2^31 transactions tell. Never, if the
    /// other one is not known.
    func follows(_ other: UInt32) -> Bool {
        other != 0 && Int32(bitPattern: rawValue &- other) > 0
    }
}
