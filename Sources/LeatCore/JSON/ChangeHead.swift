public import PGWire

/// What is the same in the JSON of a change, whichever command prints it.
public struct ChangeHead: Sendable, Encodable {
    /// A value of it.
    public enum Value: Sendable, Equatable {
        case text(String)
        case number(UInt32)
        case texts([String])
    }

    /// What there is of it, in the order in which it is written.
    public private(set) var fields: [(name: ChangeField, value: Value)]

    /// - Parameter lsn: Where the change's WAL record begins.
    public init(of operation: Change.Kind, at lsn: LSN) {
        fields = [(.lsn, .text("\(lsn)")), (.operation, .text("\(operation)"))]
    }

    /// The transaction that it is of.
    public mutating func add(
        xid: TransactionID, commitLSN: LSN, commitTime: PostgresTimestamp, origin: String? = nil
    ) {
        fields += [
            (.commitLSN, .text("\(commitLSN)")), (.xid, .number(xid.rawValue)),
            (.commitTime, .text(commitTime.rfc3339)),
        ]
        if let origin { fields.append((.origin, .text(origin))) }
    }

    /// A logical message of none: where it stands is its commit.
    public mutating func add(commitLSN: LSN, origin: String?) {
        fields.append((.commitLSN, .text("\(commitLSN)")))
        if let origin { fields.append((.origin, .text(origin))) }
    }

    /// The table of its row.
    public mutating func add(table: TableName) {
        fields.append((.table, .text(table.joined)))
    }

    /// What a truncate has emptied together.
    public mutating func add(tables: [TableName]) {
        fields.append((.tables, .texts(tables.map(\.joined))))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: ChangeField.self)
        for (name, value) in fields {
            switch value {
            case .text(let text): try container.encode(text, forKey: name)
            case .number(let number): try container.encode(number, forKey: name)
            case .texts(let texts): try container.encode(texts, forKey: name)
            }
        }
    }
}
