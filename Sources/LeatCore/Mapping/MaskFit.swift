internal import PGWire

/// Whether what comes out of a table's masks can be stored, and found again, on the target.
public struct MaskFit: Sendable {
    /// A constant that the target's type has to take; nil is NULL, which a domain may refuse.
    public struct Constant: Sendable, Equatable {
        /// On the source.
        public var column: String
        public var value: String?
        /// The target column's type, as `format_type` prints it.
        public var type: String
    }

    private let table: TableName
    public private(set) var problems: [String] = []
    /// What only the target can say.
    public private(set) var constants: [Constant] = []

    /// - Parameters:
    ///   - columns: What is sent, in the relation's order.
    ///   - types: Of the target.
    public init(
        _ masks: StoredMasks, of columns: [SourceColumn], by plan: RelationPlan, types: TypeCatalog
    ) {
        table = TableName(plan.relation)
        for (index, column) in columns.enumerated() where index < plan.columns.count {
            guard let mask = masks.columns[column.number], !plan.columns[index].isLeftOut,
                let target = plan.target.columns.first(where: {
                    $0.name.isSameName(as: plan.columns[index].name)
                })
            else { continue }
            let isKey = plan.relation.replicaIdentity != .full && plan.relation.columns[index].isKey
            check(column, on: target, of: plan.target, isKey: isKey, mask: mask, types: types)
        }
    }

    public var halt: Halt? { Halt.unmaskable(table, because: problems) }

    /// What the target has said of the constants.
    public mutating func refuse(_ constant: Constant) {
        let word = constant.value == nil ? "null" : "text"
        problems.append(
            "column \(PrintedText.line(constant.column)) is \(PrintedText.line(constant.type)) on the "
                + "target, which does not take its \(word)")
    }

    private mutating func check(
        _ column: SourceColumn, on target: TargetTable.Column, of table: TargetTable, isKey: Bool,
        mask: StoredMask, types: TypeCatalog
    ) {
        let name = "column \(PrintedText.line(column.name))"
        let isUnique = table.uniqueIndexes.contains { index in
            index.columns.contains { $0.isSameName(as: target.name) }
        }
        switch mask.function {
        case .null:
            if column.isNotNull || target.isNotNull {
                problems.append("\(name) is NOT NULL, and null would empty it")
            } else if isKey {
                problems.append("\(name) identifies rows, and null would make them one")
            } else {
                constants.append(Constant(column: column.name, value: nil, type: target.definition))
            }
        case .text(let value):
            if isKey {
                problems.append("\(name) identifies rows, and text would make them one")
            } else if isUnique {
                problems.append("\(name) is in a unique index, and text is the same for all rows")
            } else {
                constants.append(
                    Constant(column: column.name, value: value, type: target.definition))
            }
        case .hash:
            let (type, length) = MaskFit.type(of: target, by: types)
            guard let form = mask.form, let type, !form.fits(type, length: length) else { return }
            problems.append(
                "\(name) is \(PrintedText.line(target.definition)) on the target, where its hash has no room"
            )
        }
    }

    private static func type(
        of column: TargetTable.Column, by types: TypeCatalog
    ) -> (CatalogType?, length: Int?) {
        guard let type = types[column.typeOID] else { return (nil, nil) }
        let (base, modifier) = types.base(type, modifier: column.typeModifier)
        // varchar(n) and char(n) count a header of four bytes.
        return (base, modifier >= 4 ? Int(modifier) - 4 : nil)
    }
}
