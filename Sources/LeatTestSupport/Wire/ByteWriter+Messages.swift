internal import PGWire

// The fields of each message behind its kind, in the order of the manual.

extension ByteWriter {
    mutating func begin(_ message: BeginMessage) {
        lsn(message.finalLSN)
        timestamp(message.commitTime)
        transactionID(message.xid)
    }

    mutating func commit(_ message: CommitMessage) {
        integer(message.flags)
        lsn(message.commitLSN)
        lsn(message.endLSN)
        timestamp(message.commitTime)
    }

    mutating func origin(_ message: OriginMessage) {
        lsn(message.lsn)
        string(message.name)
    }

    mutating func relation(_ message: RelationMessage) {
        transactionID(message.xid)
        relationID(message.relation.id)
        string(message.relation.schema)
        string(message.relation.name)
        integer(message.relation.replicaIdentity.rawValue)
        integer(UInt16(message.relation.columns.count))
        for column in message.relation.columns {
            flag(column.isKey)
            string(column.name)
            integer(column.typeOID)
            integer(column.typeModifier)
        }
    }

    mutating func type(_ message: TypeMessage) {
        transactionID(message.xid)
        integer(message.type.oid)
        string(message.type.schema)
        string(message.type.name)
    }

    mutating func truncate(_ message: TruncateMessage) {
        transactionID(message.xid)
        integer(UInt32(message.relationIDs.count))
        integer(UInt8((message.cascade ? 1 : 0) | (message.restartIdentity ? 2 : 0)))
        for id in message.relationIDs { relationID(id) }
    }

    mutating func logicalMessage(_ message: LogicalDecodingMessage) {
        transactionID(message.xid)
        flag(message.isTransactional)
        lsn(message.lsn)
        string(message.prefix)
        integer(UInt32(message.content.count))
        raw(message.content)
    }
}

// MARK: Streamed transactions

extension ByteWriter {
    mutating func streamStart(_ message: StreamStartMessage) {
        transactionID(message.xid)
        flag(message.isFirstSegment)
    }

    mutating func streamCommit(_ message: StreamCommitMessage) {
        transactionID(message.xid)
        integer(message.flags)
        lsn(message.commitLSN)
        lsn(message.endLSN)
        timestamp(message.commitTime)
    }

    mutating func streamAbort(_ message: StreamAbortMessage) {
        transactionID(message.xid)
        transactionID(message.subxid)
        if let abortLSN = message.abortLSN { lsn(abortLSN) }
        if let abortTime = message.abortTime { timestamp(abortTime) }
    }
}

// MARK: Two-phase commit

extension ByteWriter {
    mutating func beginPrepare(_ message: BeginPrepareMessage) {
        lsn(message.prepareLSN)
        lsn(message.endLSN)
        timestamp(message.prepareTime)
        transactionID(message.xid)
        string(message.gid)
    }

    mutating func prepare(_ message: PrepareMessage) {
        integer(message.flags)
        lsn(message.prepareLSN)
        lsn(message.endLSN)
        timestamp(message.prepareTime)
        transactionID(message.xid)
        string(message.gid)
    }

    mutating func commitPrepared(_ message: CommitPreparedMessage) {
        integer(message.flags)
        lsn(message.commitLSN)
        lsn(message.endLSN)
        timestamp(message.commitTime)
        transactionID(message.xid)
        string(message.gid)
    }

    mutating func rollbackPrepared(_ message: RollbackPreparedMessage) {
        integer(message.flags)
        lsn(message.prepareEndLSN)
        lsn(message.rollbackEndLSN)
        timestamp(message.prepareTime)
        timestamp(message.rollbackTime)
        transactionID(message.xid)
        string(message.gid)
    }
}
