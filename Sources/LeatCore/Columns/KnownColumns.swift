/// Which column of the target holds which column of the source, by their numbers: what a table
/// was copied and followed with. Kept in `leat.tables`.
///
/// The stream names columns, and names change hands: `drop a; rename b to a` leaves a table with
/// a column `a` that is another one.
public struct KnownColumns: Sendable, Equatable {
    public struct Column: Sendable, Equatable {
        /// 0: the target is still to get one.
        public var targetNumber: Int
        /// When both sides last agreed on it.
        public var name: String
        /// Whether the source has dropped it before what is still to come of the stream.
        public var isGone: Bool

        public init(targetNumber: Int, name: String, isGone: Bool = false) {
            self.targetNumber = targetNumber
            self.name = name
            self.isGone = isGone
        }
    }

    private var columns: [Int: Column] = [:]

    public init() {}

    public subscript(number: Int) -> Column? { columns[number] }

    /// In the table's order.
    public var numbers: [Int] { columns.keys.sorted() }

    /// The source's, of those that are gone as well.
    public var names: [String] { numbers.compactMap { columns[$0]?.name } }

    /// Those that what is still to come may have, in the table's order.
    var present: [Int] { numbers.filter { columns[$0]?.isGone == false } }

    /// The source's number of the column that the target's column of this number holds.
    public func holder(ofTarget number: Int) -> Int? {
        columns.first { $0.value.targetNumber == number }?.key
    }

    public mutating func learn(_ number: Int, as column: Column) {
        columns[number] = column
    }

    /// Takes over what has the same name on both sides, or the one that a rule gives it there, and is
    /// not known otherwise yet.
    public mutating func learn(
        _ source: [SourceColumn], on target: TargetTable, by route: TableRoute? = nil
    ) {
        for column in source where columns[column.number] == nil {
            let name = route?.column(column.name) ?? column.name
            guard let found = target.columns.first(where: { $0.name.isSameName(as: name) }),
                holder(ofTarget: found.number) == nil
            else { continue }
            columns[column.number] = Column(targetNumber: found.number, name: column.name)
        }
    }

    /// The source has dropped it before what is still to come of the stream.
    mutating func drop(_ number: Int) {
        columns[number]?.isGone = true
    }

    // MARK: As stored

    /// `number target-number name`, one for each column; of one that is gone, with a minus.
    public var texts: [String] {
        numbers.compactMap { number in
            columns[number].map { "\($0.isGone ? "-" : "")\(number) \($0.targetNumber) \($0.name)" }
        }
    }

    /// Nil if one of them is none such.
    public init?(texts: [String]) {
        for text in texts {
            let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let number = Int(parts[0]), let target = Int(parts[1]),
                number > .min
            else { return nil }
            columns[abs(number)] = Column(
                targetNumber: target, name: String(parts[2]), isGone: number < 0)
        }
    }
}
