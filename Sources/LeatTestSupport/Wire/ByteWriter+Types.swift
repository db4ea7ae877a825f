internal import PGWire

extension ByteWriter {
    mutating func kind(_ kind: MessageKind) {
        integer(kind.rawValue)
    }

    mutating func lsn(_ value: LSN) {
        integer(value.rawValue)
    }

    mutating func timestamp(_ value: PostgresTimestamp) {
        integer(value.rawValue)
    }

    /// Streamed messages carry it, others do not.
    mutating func transactionID(_ value: TransactionID?) {
        if let value { integer(value.rawValue) }
    }

    mutating func relationID(_ value: RelationID) {
        integer(value.rawValue)
    }
}
