public import PGWire

/// A column of a source table, as the catalog has it at this moment.
public struct SourceColumn: Sendable, Hashable {
    /// `attgenerated`.
    public enum Generation: String, Sendable {
        case none = ""
        case stored = "s"
        case virtual = "v"
    }

    /// `attnum`: the same from the column's creation to its end.
    public var number: Int
    public var name: String
    public var typeOID: UInt32
    public var typeModifier: Int32
    public var isNotNull: Bool
    /// What rows from before the column have in it (`attmissingval`), as text.
    public var missingValue: String?
    /// The expression of its default, or by which it is generated.
    public var defaultExpression: String?
    public var generation = Generation.none
    /// `xmin` of its row of `pg_attribute`: the transaction that changed its definition last. 0
    /// where that is not known.
    public var version: UInt32 = 0

    public init(
        number: Int, name: String, typeOID: UInt32, typeModifier: Int32 = -1,
        isNotNull: Bool = false, missingValue: String? = nil, defaultExpression: String? = nil,
        generation: Generation = .none, version: UInt32 = 0
    ) {
        self.number = number
        self.name = name
        self.typeOID = typeOID
        self.typeModifier = typeModifier
        self.isNotNull = isNotNull
        self.missingValue = missingValue
        self.defaultExpression = defaultExpression
        self.generation = generation
        self.version = version
    }

    /// Whether the other one has values of the same type.
    public func hasType(of other: SourceColumn) -> Bool {
        typeOID == other.typeOID && typeModifier == other.typeModifier
    }

    /// Whether a relation's column is of its type.
    func hasType(of column: RelationColumn) -> Bool {
        typeOID == column.typeOID && typeModifier == column.typeModifier
    }
}

extension [SourceColumn] {
    /// Whether a relation has these columns, in their order, and of the same types.
    public func have(shapeOf relation: Relation) -> Bool {
        count == relation.columns.count
            && zip(self, relation.columns).allSatisfy {
                $0.name.isSameName(as: $1.name) && $0.hasType(of: $1)
            }
    }
}
