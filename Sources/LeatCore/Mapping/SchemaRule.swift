/// A rule that a table holds its rows to, or a domain its values, as a server's catalog has it.
public struct SchemaRule: Sendable, Hashable {
    /// With the letter of `pg_constraint.contype`; `i` is a unique index without a constraint.
    public enum Kind: String, Sendable {
        case notNull = "n"
        case check = "c"
        case primaryKey = "p"
        case unique = "u"
        case uniqueIndex = "i"
        case exclusion = "x"
        case foreignKey = "f"
    }

    public var kind: Kind
    /// Of the constraint or index; of the column for NOT NULL.
    public var name: String
    /// What it says, without its name: equal where it means the same.
    public var definition: String
    /// Of a primary key, or a unique constraint or index of nothing but columns.
    public var columns: [String]
    /// Where it was made: it may be inherited from there, and under another name.
    public var origin: TableName
    public var originName: String
    /// What has to be run before it can be dropped: foreign keys that need it.
    public var before: [String]

    public init(
        kind: Kind, name: String, definition: String, columns: [String] = [], origin: TableName,
        originName: String? = nil, before: [String] = []
    ) {
        self.kind = kind
        self.name = name
        self.definition = definition
        self.columns = columns
        self.origin = origin
        self.originName = originName ?? name
        self.before = before
    }
}

extension SchemaRule {
    private var isUnique: Bool { [.primaryKey, .unique, .uniqueIndex].contains(kind) }

    /// Whether what breaks `other` breaks this one, too. A deferred one is checked later.
    func implies(_ other: SchemaRule) -> Bool {
        guard isUnique, other.isUnique else {
            return kind == other.kind && definition == other.definition
                && (kind != .notNull || name.isSameName(as: other.name))
        }
        if definition == other.definition { return true }
        return !columns.isEmpty && !isDeferrable
            && columns.allSatisfy { column in other.columns.contains { $0.isSameName(as: column) } }
    }

    private var isDeferrable: Bool { definition.contains(" DEFERRABLE") }
}
