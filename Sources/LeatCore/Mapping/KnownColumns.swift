public import PGWire

/// A column of a source table, as the catalog has it at this moment.
public struct SourceColumn: Sendable, Hashable {
    /// `attnum`: the same from the column's creation to its end.
    public var number: Int
    public var name: String
    public var typeOID: UInt32
    public var typeModifier: Int32
    public var isNotNull: Bool
    /// What rows from before the column have in it (`attmissingval`), as text.
    public var missingValue: String?
    /// The expression of its default.
    public var defaultExpression: String?

    public init(
        number: Int, name: String, typeOID: UInt32, typeModifier: Int32 = -1,
        isNotNull: Bool = false, missingValue: String? = nil, defaultExpression: String? = nil
    ) {
        self.number = number
        self.name = name
        self.typeOID = typeOID
        self.typeModifier = typeModifier
        self.isNotNull = isNotNull
        self.missingValue = missingValue
        self.defaultExpression = defaultExpression
    }
}

extension [SourceColumn] {
    /// Whether a relation has these columns, in their order, and of the same types.
    public func have(shapeOf relation: Relation) -> Bool {
        count == relation.columns.count
            && zip(self, relation.columns).allSatisfy {
                $0.name.isSameName(as: $1.name) && $0.typeOID == $1.typeOID
                    && $0.typeModifier == $1.typeModifier
            }
    }
}

/// Which column of the target holds which column of the source, by their numbers: what a table
/// was copied and followed with. Kept in `leat.tables`.
///
/// The stream names columns, and names change hands: `drop a; rename b to a` leaves a table with
/// a column `a` that is another one.
public struct KnownColumns: Sendable, Equatable {
    public struct Column: Sendable, Equatable {
        public var targetNumber: Int
        /// When both sides last agreed on it.
        public var name: String

        public init(targetNumber: Int, name: String) {
            self.targetNumber = targetNumber
            self.name = name
        }
    }

    private var columns: [Int: Column] = [:]

    public init() {}

    public subscript(number: Int) -> Column? { columns[number] }

    /// In the table's order.
    public var numbers: [Int] { columns.keys.sorted() }

    public mutating func learn(_ number: Int, _ column: Column) {
        columns[number] = column
    }

    /// Takes over what has the same name on both sides and is not known otherwise yet.
    public mutating func learn(_ source: [SourceColumn], _ target: TargetTable) {
        for column in source where columns[column.number] == nil {
            guard let found = target.columns.first(where: { $0.name.isSameName(as: column.name) }),
                !columns.values.contains(where: { $0.targetNumber == found.number })
            else { continue }
            columns[column.number] = Column(targetNumber: found.number, name: column.name)
        }
    }

    /// Takes over where a relation's columns went.
    public mutating func learn(_ routes: ColumnRoutes, _ target: TargetTable) {
        for (number, name) in zip(routes.numbers, routes.names) {
            guard let number,
                let found = target.columns.first(where: { $0.name.isSameName(as: name) })
            else { continue }
            columns[number] = Column(targetNumber: found.number, name: name)
        }
    }

    // MARK: As stored

    /// `number target-number name`, one for each column.
    public var texts: [String] {
        numbers.compactMap { number in
            columns[number].map { "\(number) \($0.targetNumber) \($0.name)" }
        }
    }

    public init(texts: [String]) {
        for text in texts {
            let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let number = Int(parts[0]), let target = Int(parts[1])
            else { continue }
            columns[number] = Column(targetNumber: target, name: String(parts[2]))
        }
    }
}
