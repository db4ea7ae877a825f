/// A table of the source, as a Relation message describes it.
///
/// The message precedes the first change of the table on a connection and is
/// repeated after the table's definition changed. Columns that are dropped,
/// generated (unless published, from version 18 on) or not in the publication's
/// column list are absent, here and in the tuples.
///
/// Source: "Logical Replication Message Formats" in the PostgreSQL manual.
public struct Relation: Sendable, Hashable {
    /// The table's OID on the source.
    public var id: RelationID
    /// Schema; empty on the wire means `pg_catalog`, and so it stays here.
    public var schema: String
    /// The table's name on the source.
    public var name: String
    /// What is sent of the row before a change.
    public var replicaIdentity: ReplicaIdentity
    /// In the order of the tuples.
    public var columns: [RelationColumn]
    /// How often it was described before on the connection: each time something about the table
    /// has changed, be it nothing that is described.
    public var repetition = 0

    /// A table as a Relation message describes it.
    public init(
        id: RelationID, schema: String, name: String, replicaIdentity: ReplicaIdentity,
        columns: [RelationColumn]
    ) {
        self.id = id
        self.schema = schema
        self.name = name
        self.replicaIdentity = replicaIdentity
        self.columns = columns
    }

    /// Whether both are described in the same way.
    public func isDescribed(as other: Relation) -> Bool {
        id == other.id && schema == other.schema && name == other.name
            && replicaIdentity == other.replicaIdentity && columns == other.columns
    }
}

/// One column of a ``Relation``.
public struct RelationColumn: Sendable, Hashable {
    /// Whether it is part of the replica identity (under FULL, every column is).
    public var isKey: Bool
    /// The column's name on the source.
    public var name: String
    /// OID of the type in the source's `pg_type`.
    public var typeOID: UInt32
    /// The type's modifier (`atttypmod`); -1 if it has none.
    public var typeModifier: Int32

    /// A column as a Relation message describes it.
    public init(isKey: Bool, name: String, typeOID: UInt32, typeModifier: Int32 = -1) {
        self.isKey = isKey
        self.name = name
        self.typeOID = typeOID
        self.typeModifier = typeModifier
    }
}

/// What identifies a row in updates and deletes: `pg_class.relreplident`.
///
/// Source: "Logical Replication Message Formats" in the PostgreSQL manual.
public enum ReplicaIdentity: UInt8, Sendable, CaseIterable {
    /// The primary key, if there is one.
    case `default` = 0x64  // d
    /// No columns.
    case nothing = 0x6E  // n
    /// All columns.
    case full = 0x66  // f
    /// The columns of a chosen index.
    case index = 0x69  // i
}
