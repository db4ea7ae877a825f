/// By what a database is known within its cluster: names change, the OID is the same from its
/// creation to its end.
public struct DatabaseKey: Equatable, Sendable {
    public var name: String
    /// Nil where an older Leat has kept the name alone.
    public var oid: UInt32?

    public init(name: String, oid: UInt32?) {
        self.name = name
        self.oid = oid
    }

    public func isSame(as other: DatabaseKey) -> Bool {
        guard let oid, let otherOID = other.oid else { return name == other.name }
        return oid == otherOID
    }
}
