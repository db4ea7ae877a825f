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
///
/// A column that was dropped and made again under its name has another number, and the relation
/// looks as before. Which of the two a relation has is known only where it came again within a
/// connection, by a transaction that began after the column was made; else the routes are
/// ``isAmbiguous``. A column of the source whose column of the target is gone goes nowhere.
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
    /// What it had when both sides last agreed.
    public private(set) var earlier: [SourceColumn?]
    /// The relation's names.
    let sourceNames: [String]
    /// The source's names on which both sides agree by these routes.
    private(set) var agreedNames: [String]
    /// Where the table goes, and what rules say of its columns.
    let route: TableRoute
    /// Whether the relation has the columns that the source's table has now.
    private(set) var areCurrent = false
    /// Names of columns that were dropped and made again, where the relation may have either.
    public private(set) var ambiguous: [String] = []
    private var owed: [NameRing.Rename] = []
    private var leftOut: Set<Int> = []
    private var replaced: Set<String> = []

    /// What tells which of two definitions of the same look a relation has.
    public struct Sighting: Sendable {
        /// What the source's table was when both sides last agreed.
        public var earlier: TableDefinition?
        /// The transaction with the relation's first change, if the relation came again within
        /// the connection.
        public var redescribedBy: TransactionID?
        /// The transaction with its first change, in any case.
        public var changedBy: TransactionID?
        /// See ``TableDefinition/dropped``; nil where the relation is that of the catalog.
        public var dropped: [Int: UInt32]?

        public init(
            earlier: TableDefinition? = nil, redescribedBy: TransactionID? = nil,
            changedBy: TransactionID? = nil, dropped: [Int: UInt32]? = nil
        ) {
            self.earlier = earlier
            self.redescribedBy = redescribedBy
            self.changedBy = changedBy
            self.dropped = dropped
        }
    }

    /// Everything by name.
    public init(_ relation: Relation, route: TableRoute? = nil) {
        self.route = route ?? TableRoute(TableName(relation))
        sourceNames = relation.columns.map(\.name)
        agreedNames = sourceNames
        names = sourceNames.map(self.route.column)
        numbers = relation.columns.map { _ in nil }
        current = relation.columns.map { _ in nil }
        earlier = current
    }

    /// - Parameter source: Now; the relation may be older.
    public init(
        _ relation: Relation, source: [SourceColumn], known: KnownColumns, target: TargetTable,
        sighting: Sighting = Sighting(), route: TableRoute? = nil
    ) {
        self.init(relation, route: route)
        let candidates = ColumnNumbers(relation, now: source, known: known, sighting: sighting)
        numbers = candidates.numbers
        ambiguous = candidates.ambiguous
        areCurrent =
            ambiguous.isEmpty && !numbers.isEmpty && numbers == source.map(\.number).sorted()
        earlier = numbers.map { number in number.flatMap { sighting.earlier?[$0] } }
        let current = Dictionary(
            source.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
        for (index, number) in numbers.enumerated() {
            let (name, own) = (names[index], sourceNames[index])
            guard let number else {
                // Of a table that is gone no value is ever compared.
                if !source.isEmpty, !ambiguous.contains(own), isHeld(name, on: target, by: known) {
                    ambiguous.append(own)
                }
                continue
            }
            self.current[index] = current[number]
            if let column = current[number], column.name.isSameName(as: own) {
                self.source[own] = column
            }
            let named = target.columns.first { $0.name.isSameName(as: name) }
            guard let agreed = known[number], agreed.targetNumber != 0 else {
                if let named, isReplaced(named, by: number, known: known, current: current) {
                    replaced.insert(own)
                }
                continue
            }
            guard let found = target.columns.first(where: { $0.number == agreed.targetNumber })
            else {
                // The target's is gone: the source's is too, or will be. Where only the target has
                // one of the name, made for what is still to come, that takes it.
                let isMadeForIt =
                    current[number] == nil && !source.contains { $0.name.isSameName(as: own) }
                    && named.map { known.holder(ofTarget: $0.number) == nil } ?? false
                if !isMadeForIt, current[number] == nil || named != nil { leftOut.insert(index) }
                continue
            }
            guard !found.name.isSameName(as: name) else { continue }
            if self.route.leads(own, to: found.name, among: source.map(\.name) + sourceNames) {
                names[index] = found.name
                continue
            }
            // A column that the source has dropped since only has its old values left to come.
            let now = current[number].map { self.route.column($0.name) } ?? found.name
            if now.isSameName(as: found.name) {
                names[index] = found.name
                agreedNames[index] =
                    current[number]?.name ?? self.route.rule(leadingTo: found.name)?.source
                    ?? found.name
            } else {
                owed.append(NameRing.Rename(from: found.name, to: name))
            }
        }
        owe(target, stepping: ColumnRoutes.dropped(from: target, source: source, known: known))
        checkNames()
    }

    /// Where every column keeps its name, no two have the same.
    private mutating func checkNames() {
        guard !route.renamed.isEmpty else { return }
        for (index, name) in names.enumerated() {
            guard let other = names[..<index].firstIndex(where: { $0.isSameName(as: name) }) else {
                continue
            }
            problems.append(
                "columns \(sourceNames[other]) and \(sourceNames[index]) would both go to column "
                    + "\(name)")
        }
    }

    /// Whether the target's column of a name is known to be another one's, perhaps.
    private func isHeld(_ name: String, on target: TargetTable, by known: KnownColumns) -> Bool {
        target.columns.contains {
            $0.name.isSameName(as: name) && known.holder(ofTarget: $0.number) != nil
        }
    }

    /// Whether the target's column of a name is that of a column which the source has dropped.
    private func isReplaced(
        _ named: TargetTable.Column, by number: Int, known: KnownColumns,
        current: [Int: SourceColumn]
    ) -> Bool {
        guard let holder = known.holder(ofTarget: named.number), holder != number else {
            return false
        }
        return current[holder] == nil
    }

    /// Whether what the source sends of the column at this index goes nowhere: the target's column
    /// was dropped ahead of the stream.
    public func leavesOut(_ index: Int) -> Bool { leftOut.contains(index) }

    /// Those that the source still has, by its numbers.
    public var leftOutColumns: [Int: String] {
        var columns: [Int: String] = [:]
        for index in leftOut where current[index] != nil {
            if let number = numbers[index] { columns[number] = sourceNames[index] }
        }
        return columns
    }

    /// Whether the column was dropped and made again on the source, and the target still has the
    /// old one.
    func isReplaced(_ name: String) -> Bool {
        replaced.contains { $0.isSameName(as: name) }
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
            problems.append(
                route.rule(leadingTo: rename.to) == nil
                    ? "column \(rename.from) is called \(rename.to) on the source"
                    : "column \(rename.from) is to be called \(rename.to), by --rename")
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
        from target: TargetTable, source: [SourceColumn], known: KnownColumns
    ) -> [TargetTable.Column] {
        let left = Set(source.map(\.number))
        let gone = known.numbers.filter { !left.contains($0) }.compactMap {
            known[$0]?.targetNumber
        }
        return target.columns.filter { gone.contains($0.number) }
    }
}
