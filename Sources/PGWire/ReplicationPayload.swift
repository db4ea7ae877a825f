/// What the server puts into one CopyData payload of the replication stream.
///
/// Source: "Streaming Replication Protocol" in the PostgreSQL manual.
public enum ReplicationPayload: Equatable, Sendable {
    /// A message of the output plugin; see ``XLogData/body(of:)``.
    case xLogData(XLogData)
    case keepalive(Keepalive)

    /// Decodes the header of a payload; the body of XLogData stays where it is.
    ///
    /// - Throws: ``DecodeError``, with offsets from the beginning of the payload.
    public init(decoding payload: RawSpan) throws(DecodeError) {
        var cursor = ByteCursor(payload)
        let kind = try cursor.byte()
        switch kind {
        case XLogData.kindByte: self = .xLogData(try XLogData(&cursor))
        case Keepalive.kindByte: self = .keepalive(try Keepalive(&cursor))
        default: throw DecodeError(.unknownMessage(kind), at: 0, messageKind: kind)
        }
    }
}

/// The header in front of every message of the output plugin.
///
/// Source: "Streaming Replication Protocol" in the PostgreSQL manual, XLogData.
public struct XLogData: Equatable, Sendable {
    /// Bytes of the header, the kind byte included.
    public static let headerSize = 25
    static let kindByte = UInt8(ascii: "w")

    /// Where the message's WAL record begins; zero for some messages.
    public var walStart: LSN
    /// The same position for a logical slot, *not* the end of the server's WAL.
    public var walEnd: LSN
    /// The server's clock when it sent the message.
    public var sendTime: PostgresTimestamp

    /// As it was sent.
    public init(walStart: LSN, walEnd: LSN, sendTime: PostgresTimestamp) {
        self.walStart = walStart
        self.walEnd = walEnd
        self.sendTime = sendTime
    }

    /// The pgoutput message behind the header of `payload`; empty if there is none.
    @_lifetime(copy payload)
    @inlinable
    public static func body(of payload: RawSpan) -> RawSpan {
        payload.extracting(droppingFirst: headerSize)
    }

    fileprivate init(_ cursor: inout ByteCursor) throws(DecodeError) {
        walStart = try cursor.lsn()
        walEnd = try cursor.lsn()
        sendTime = try cursor.timestamp()
    }
}

/// The server's sign of life, between messages and while there are none.
///
/// Source: "Streaming Replication Protocol" in the PostgreSQL manual, Primary
/// keepalive message.
public struct Keepalive: Equatable, Sendable {
    static let kindByte = UInt8(ascii: "k")

    /// Up to here the server has read the WAL and sent what is in it for us.
    public var walEnd: LSN
    /// The server's clock when it sent the message.
    public var sendTime: PostgresTimestamp
    /// The server wants a status update at once, or will end the connection.
    public var replyRequested: Bool

    /// As it was sent.
    public init(walEnd: LSN, sendTime: PostgresTimestamp, replyRequested: Bool) {
        self.walEnd = walEnd
        self.sendTime = sendTime
        self.replyRequested = replyRequested
    }

    fileprivate init(_ cursor: inout ByteCursor) throws(DecodeError) {
        walEnd = try cursor.lsn()
        sendTime = try cursor.timestamp()
        replyRequested = try cursor.flags(known: 1) == 1
        try cursor.finish()
    }
}
