/// The OID of a relation in the source's `pg_class`.
///
/// It names the table for as long as the table lives there; it says nothing
/// about the target, whose OIDs differ.
///
/// Source: "Object Identifier Types" in the PostgreSQL manual.
public struct RelationID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The OID.
    public let rawValue: UInt32

    /// Any number: whether there is such a table, only the server knows.
    @inlinable
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The OID in decimal.
    public var description: String { String(rawValue) }
}
