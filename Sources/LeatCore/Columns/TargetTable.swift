/// A table of the target, as far as writing to it matters.
public struct TargetTable: Sendable, Hashable {
    public struct Column: Sendable, Hashable {
        public enum Identity: Sendable { case none, always, byDefault }

        /// `attnum`; 0 if it does not matter.
        public var number: Int
        public var name: String
        public var typeOID: UInt32
        public var typeModifier: Int32
        /// As `format_type` prints it.
        public var definition: String
        public var isGenerated: Bool
        public var identity: Identity
        public var isNotNull: Bool
        public var hasDefault: Bool
        /// By which it is generated, as the server prints it.
        public var generationExpression: String?

        public init(
            number: Int = 0, name: String, typeOID: UInt32, typeModifier: Int32,
            definition: String, isGenerated: Bool, identity: Identity, isNotNull: Bool,
            hasDefault: Bool
        ) {
            self.number = number
            self.name = name
            self.typeOID = typeOID
            self.typeModifier = typeModifier
            self.definition = definition
            self.isGenerated = isGenerated
            self.identity = identity
            self.isNotNull = isNotNull
            self.hasDefault = hasDefault
        }
    }

    /// A valid, immediate, unique index over plain columns, without a predicate.
    public struct UniqueIndex: Sendable, Hashable {
        public var isPrimary: Bool
        public var columns: [String]
        /// The operator class's own equality for each column, as `OPERATOR(schema.=)`: under an
        /// empty search path a bare `=` on citext would be another one.
        public var operators: [String]
        /// Of the index, and of its constraint.
        public var name: String

        public init(isPrimary: Bool, columns: [String], operators: [String], name: String = "") {
            self.name = name
            self.isPrimary = isPrimary
            self.columns = columns
            self.operators = operators
        }
    }

    public enum Kind: String, Sendable {
        case ordinary = "r"
        case partitioned = "p"
    }

    public var name: TableName
    public var kind: Kind
    public var columns: [Column]
    public var uniqueIndexes: [UniqueIndex]
    /// Whether an update may meet a unique or exclusion constraint beside the identity's: one row
    /// may then have to be updated before another.
    public var hasSeveralConstraints: Bool
    /// Whether something fires on its changes under the session's role: a trigger, a rule, a
    /// foreign key. What it does may depend on the order of the changes.
    public var fires: Bool
    /// Whether the role may restart the sequences that the table's columns own, which takes
    /// ownership.
    public var canRestartIdentity: Bool
    /// Whether a BEFORE trigger for each row, or an INSTEAD rule, fires under the session's role:
    /// it may leave the row out.
    public var mayLeaveOut: Bool
    /// What a transaction that writes to it locks: tables, partitions and indexes.
    public var locks: Int

    public init(
        name: TableName, kind: Kind, columns: [Column], uniqueIndexes: [UniqueIndex],
        hasSeveralConstraints: Bool = false, fires: Bool = false,
        canRestartIdentity: Bool = true, mayLeaveOut: Bool = false, locks: Int = 2
    ) {
        self.name = name
        self.kind = kind
        self.columns = columns
        self.uniqueIndexes = uniqueIndexes
        self.hasSeveralConstraints = hasSeveralConstraints
        self.fires = fires
        self.canRestartIdentity = canRestartIdentity
        self.mayLeaveOut = mayLeaveOut
        self.locks = locks
    }

    /// For statements that must not reach the children of an inheritance parent. A partitioned
    /// table is nothing but its children.
    public var only: String { kind == .partitioned ? "" : "only " }
}
