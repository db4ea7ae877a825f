// The messages that describe tables and types before rows refer to them.
// Layouts: "Logical Replication Message Formats" in the PostgreSQL manual.

/// `R`: what a table looks like from here on.
public struct RelationMessage: Sendable, Equatable {
    /// The subtransaction; streamed messages only.
    public var xid: TransactionID?
    /// The table that the next changes of this ID are of.
    public var relation: Relation

    /// As it was sent; with `xid` in a streamed transaction.
    public init(xid: TransactionID? = nil, relation: Relation) {
        self.xid = xid
        self.relation = relation
    }

    init(_ cursor: inout ByteCursor, xid: TransactionID?) throws(DecodeError) {
        self.xid = xid
        relation = Relation(
            id: try cursor.relationID(), schema: try cursor.string(),
            name: try cursor.string(), replicaIdentity: try Self.identity(&cursor),
            columns: try Self.columns(&cursor))
    }

    private static func identity(
        _ cursor: inout ByteCursor
    ) throws(DecodeError) -> ReplicaIdentity {
        let byte = try cursor.byte()
        guard let identity = ReplicaIdentity(rawValue: byte) else {
            throw cursor.error(.unknownReplicaIdentity(byte), at: cursor.offset - 1)
        }
        return identity
    }

    private static func columns(
        _ cursor: inout ByteCursor
    ) throws(DecodeError) -> [RelationColumn] {
        // Flags, the NUL of an empty name, type and modifier.
        let count = try cursor.count(Int16.self, minimumBytes: 10)
        var columns: [RelationColumn] = []
        columns.reserveCapacity(count)
        for _ in 0..<count {
            columns.append(
                RelationColumn(
                    isKey: try cursor.flags(known: 1) == 1, name: try cursor.string(),
                    typeOID: try cursor.integer(), typeModifier: try cursor.integer()))
        }
        return columns
    }
}

/// `Y`: the name of a type that is not built in.
public struct TypeMessage: Sendable, Equatable {
    /// The subtransaction; streamed messages only.
    public var xid: TransactionID?
    /// A type that is none of the server's own.
    public var type: TypeDescription

    /// As it was sent; with `xid` in a streamed transaction.
    public init(xid: TransactionID? = nil, type: TypeDescription) {
        self.xid = xid
        self.type = type
    }

    init(_ cursor: inout ByteCursor, xid: TransactionID?) throws(DecodeError) {
        self.xid = xid
        type = TypeDescription(
            oid: try cursor.integer(), schema: try cursor.string(), name: try cursor.string())
    }
}

/// A type of the source that is not built in.
///
/// For a domain the OID is the domain's, but schema and name are those of the
/// type beneath it (`logicalrep_write_typ` in the server's `proto.c`).
public struct TypeDescription: Sendable, Hashable {
    /// OID in the source's `pg_type`.
    public var oid: UInt32
    /// Schema; empty on the wire means `pg_catalog`, and so it stays here.
    public var schema: String
    /// The type's name on the source.
    public var name: String

    /// A type as a Type message describes it.
    public init(oid: UInt32, schema: String, name: String) {
        self.oid = oid
        self.schema = schema
        self.name = name
    }
}
