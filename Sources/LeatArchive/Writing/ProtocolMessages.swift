internal import PGWire

// The messages around the rows, as pgoutput writes them in protocol 1.
// Layouts: "Logical Replication Message Formats" in the PostgreSQL manual.

extension FieldWriter {
    private init(_ kind: MessageKind) {
        self.init()
        integer(kind.rawValue)
    }

    static func begin(_ transaction: Transaction) -> [UInt8] {
        var writer = FieldWriter(.begin)
        writer.lsn(transaction.commitLSN)
        writer.timestamp(transaction.commitTime)
        writer.integer(transaction.xid.rawValue)
        return writer.bytes
    }

    static func commit(_ transaction: Transaction) -> [UInt8] {
        var writer = FieldWriter(.commit)
        writer.integer(UInt8(0))
        writer.lsn(transaction.commitLSN)
        writer.lsn(transaction.endLSN)
        writer.timestamp(transaction.commitTime)
        return writer.bytes
    }

    /// The LSN on the origin server is not kept by a batch.
    static func origin(_ name: String) -> [UInt8] {
        var writer = FieldWriter(.origin)
        writer.lsn(.zero)
        writer.string(name)
        return writer.bytes
    }

    static func relation(_ relation: Relation) -> [UInt8] {
        var writer = FieldWriter(.relation)
        writer.integer(relation.id.rawValue)
        writer.string(relation.schema)
        writer.string(relation.name)
        writer.integer(relation.replicaIdentity.rawValue)
        writer.integer(UInt16(relation.columns.count))
        for column in relation.columns {
            writer.integer(UInt8(column.isKey ? 1 : 0))
            writer.string(column.name)
            writer.integer(column.typeOID)
            writer.integer(column.typeModifier)
        }
        return writer.bytes
    }

    static func type(_ type: TypeDescription) -> [UInt8] {
        var writer = FieldWriter(.type)
        writer.integer(type.oid)
        writer.string(type.schema)
        writer.string(type.name)
        return writer.bytes
    }

    static func truncate(_ truncate: Truncate, of relations: [Relation]) -> [UInt8] {
        var writer = FieldWriter(.truncate)
        writer.integer(UInt32(truncate.relations.count))
        writer.integer(UInt8((truncate.cascade ? 1 : 0) | (truncate.restartIdentity ? 2 : 0)))
        for index in truncate.relations { writer.integer(relations[Int(index)].id.rawValue) }
        return writer.bytes
    }

    static func message(_ message: LogicalMessage, in arena: [UInt8]) -> [UInt8] {
        var writer = FieldWriter(.message)
        writer.integer(UInt8(message.isTransactional ? 1 : 0))
        writer.lsn(message.lsn)
        writer.string(message.prefix)
        writer.integer(message.contentLength)
        writer.raw(arena[message.contentRange])
        return writer.bytes
    }
}
