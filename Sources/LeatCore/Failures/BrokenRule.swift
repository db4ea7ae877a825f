/// The rule of the target that a row broke, as far as the server names it.
public struct BrokenRule: Sendable, Hashable {
    /// Whom a rule holds.
    public enum Owner: Sendable, Hashable {
        case table(TableName)
        case domain(TableName)
    }

    public var owner: Owner
    /// Of a constraint or an index; nil: NOT NULL of `column`, or of the domain.
    public var constraint: String?
    public var column: String?

    public init(owner: Owner, constraint: String? = nil, column: String? = nil) {
        self.owner = owner
        self.constraint = constraint
        self.column = column
    }
}
