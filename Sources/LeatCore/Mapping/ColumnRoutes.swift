public import PGWire

/// Which column of the target each column of a relation goes to.
///
/// By name, except where a column is known by its number to have another name on one side: then
/// it was renamed. If the target has the source's present name already, the relation is from
/// before the rename, and goes to that column; else the rename is owed there.
///
/// A worked example. `leat.tables` knows 1 `id`, 2 `a`, 3 `b` (each with the target's number);
/// the source runs `drop column a; rename b to a`. The relation now has `id`, `a`; the source's
/// catalog says that they are 1 and 3. Column 3 is `b` on the target, so it is owed there: the
/// old `a` steps aside, for changes from before may still come, and `b` is renamed. By name
/// alone, the values would go to the old `a`, beside rows that never got them.
public struct ColumnRoutes: Sendable, Equatable {
    /// The target's names, in the order of the relation's columns.
    public private(set) var names: [String]
    /// The source's numbers; nil where they are not known.
    public private(set) var numbers: [Int?]
    public private(set) var problems: [String] = []
    /// Statements for the target.
    public private(set) var mends: [String] = []
    /// By the relation's names: how a column that the target lacks came to be.
    public private(set) var source: [String: SourceColumn] = [:]
    /// What the source has now of each of the relation's columns.
    public private(set) var current: [SourceColumn?]
    private var owed: [NameRing.Rename] = []

    /// Everything by name.
    public init(_ relation: Relation) {
        names = relation.columns.map(\.name)
        numbers = relation.columns.map { _ in nil }
        current = relation.columns.map { _ in nil }
    }

    /// - Parameter source: Now; the relation may be older.
    public init(
        _ relation: Relation, source: [SourceColumn], known: KnownColumns, target: TargetTable
    ) {
        self.init(relation)
        numbers = ColumnRoutes.numbers(of: names, source, known)
        let current = Dictionary(
            source.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
        for (index, number) in numbers.enumerated() {
            guard let number else { continue }
            let name = names[index]
            self.current[index] = current[number]
            if let column = current[number], column.name.isSameName(as: name) {
                self.source[name] = column
            }
            guard let known = known[number],
                let found = target.columns.first(where: { $0.number == known.targetNumber }),
                !found.name.isSameName(as: name)
            else { continue }
            // A column that the source has dropped since only has its old values left to come.
            let now = current[number]?.name ?? found.name
            if now.isSameName(as: found.name) {
                names[index] = found.name
            } else {
                owed.append(NameRing.Rename(from: found.name, to: name))
            }
        }
        owe(target, stepping: ColumnRoutes.dropped(source, known, target))
    }

    /// Whether the column has to be renamed on the target first.
    func isOwed(_ name: String) -> Bool { owed.contains { $0.to.isSameName(as: name) } }

    /// Whether the target's column gets another name.
    func isLeaving(_ name: String) -> Bool { owed.contains { $0.from.isSameName(as: name) } }

    private mutating func owe(
        _ target: TargetTable, stepping dropped: [TargetTable.Column]
    ) {
        guard !owed.isEmpty else { return }
        let table = "alter table \(target.name.quoted)"
        for rename in owed {
            problems.append("column \(rename.from) is called \(rename.to) on the source")
            if let column = dropped.first(where: { $0.name.isSameName(as: rename.to) }) {
                let aside = "leat_dropped_\(column.number)"
                problems.append(
                    "column \(column.name) was dropped on the source and steps aside as \(aside), "
                        + "to be dropped here too once the stream has passed this change")
                mends.append(
                    "\(table) rename column \(SQLText.identifier(rename.to)) to \(aside);")
            }
        }
        mends += NameRing.ordered(owed, aside: { "leat_renamed_\($0)" }).map { rename in
            "\(table) rename column \(SQLText.identifier(rename.from)) "
                + "to \(SQLText.identifier(rename.to));"
        }
    }

    /// The target's columns that the source has no more.
    private static func dropped(
        _ source: [SourceColumn], _ known: KnownColumns, _ target: TargetTable
    ) -> [TargetTable.Column] {
        let left = Set(source.map(\.number))
        let gone = known.numbers.filter { !left.contains($0) }.compactMap {
            known[$0]?.targetNumber
        }
        return target.columns.filter { gone.contains($0.number) }
    }

    /// A relation lists its columns in the order of their numbers, under the names of its time.
    private static func numbers(
        of names: [String], _ source: [SourceColumn], _ known: KnownColumns
    ) -> [Int?] {
        let now = source.sorted { $0.number < $1.number }
        if now.count == names.count, zip(now, names).allSatisfy({ $0.name.isSameName(as: $1) }) {
            return now.map(\.number)
        }
        let then = known.numbers
        if then.count == names.count,
            zip(then, names).allSatisfy({ known[$0]?.name.isSameName(as: $1) == true })
        {
            return then
        }
        return byElimination(names, now, known)
    }

    /// Between the two: those whose name nothing speaks against, and then, if there is just one
    /// way to do it, the others in their order.
    private static func byElimination(
        _ names: [String], _ now: [SourceColumn], _ known: KnownColumns
    ) -> [Int?] {
        let current = Dictionary(
            now.map { ($0.number, $0.name) }, uniquingKeysWith: { first, _ in first })
        let all = Set(known.numbers).union(current.keys).sorted()
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
