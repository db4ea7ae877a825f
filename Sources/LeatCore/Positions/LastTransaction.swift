public import PGWire

/// The last transaction that a stream has stored, kept with its position: no other history of the
/// source has the same one at the same place.
public struct LastTransaction: Equatable, Sendable {
    /// What a server says of it whenever it sends it.
    public struct Identity: Equatable, Sendable {
        public var xid: TransactionID
        public var commitTime: PostgresTimestamp
        /// It came to the source from elsewhere, so a stream may leave it out now.
        public var hasOrigin: Bool

        public init(xid: TransactionID, commitTime: PostgresTimestamp, hasOrigin: Bool) {
            self.xid = xid
            self.commitTime = commitTime
            self.hasOrigin = hasOrigin
        }
    }

    /// Where its commit record begins; as long as none was stored, where the stream began.
    public var commitLSN: LSN
    public var identity: Identity?

    public init(commitLSN: LSN, identity: Identity? = nil) {
        self.commitLSN = commitLSN
        self.identity = identity
    }

    public init(_ transaction: Transaction) {
        commitLSN = transaction.commitLSN
        identity = Identity(
            xid: transaction.xid, commitTime: transaction.commitTime,
            hasOrigin: transaction.origin != nil)
    }

    /// As `leat.progress` keeps it: the LSN, the transaction ID, the commit time in microseconds
    /// since 2000, and `origin` where it has one.
    public init?(_ text: String) {
        let fields = text.split(separator: " ")
        guard let lsn = fields.first.flatMap({ LSN(String($0)) }) else { return nil }
        commitLSN = lsn
        guard fields.count > 1 else { return }
        guard fields.count >= 3, let xid = UInt32(fields[1]), let time = Int64(fields[2]) else {
            return nil
        }
        identity = Identity(
            xid: TransactionID(rawValue: xid), commitTime: PostgresTimestamp(rawValue: time),
            hasOrigin: fields.count > 3)
    }

    public var text: String {
        guard let identity else { return "\(commitLSN)" }
        let origin = identity.hasOrigin ? " origin" : ""
        return "\(commitLSN) \(identity.xid.rawValue) \(identity.commitTime.rawValue)\(origin)"
    }
}
