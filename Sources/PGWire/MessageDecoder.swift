/// Decodes pgoutput messages: rows into the tables of a batch, all else into
/// values of their own.
///
/// It keeps no state between messages: whether a message is `streamed`, that is
/// between Stream Start and Stream Stop, is for the caller to know, since in
/// protocol version 2 and later those messages carry a transaction ID behind
/// their kind. Whatever the bytes are, it returns or throws ``DecodeError``.
///
/// Worked example, protocol version 1, an insert of `(1, NULL)` into relation
/// 16384:
///
///     49 00004000 4E 0002 74 00000001 31 6E
///     I  16384    N  2    t  1        1  n
///
/// goes into the arena with the `6E` behind the value replaced by a NUL (it has
/// been read by then), so the value at offset 13 is a C string, and two columns:
/// `text` with offset 13 and length 1, and `null`.
///
/// Source: "Logical Replication Message Formats" in the PostgreSQL manual.
public struct MessageDecoder: Sendable {
    /// 1 to 4, as asked for in START_REPLICATION.
    public let protocolVersion: Int
    /// Whether `streaming 'parallel'` was asked for.
    public let parallelStreaming: Bool

    /// - Precondition: `protocolVersion` is in `1...4`.
    public init(protocolVersion: Int, parallelStreaming: Bool = false) {
        precondition((1...4).contains(protocolVersion), "pgoutput has protocol versions 1 to 4")
        self.protocolVersion = protocolVersion
        self.parallelStreaming = parallelStreaming
    }

    /// What kind of message the first byte announces.
    public func kind(of body: RawSpan) throws(DecodeError) -> MessageKind {
        var cursor = ByteCursor(body)
        return try cursor.messageKind()
    }

    /// The transaction ID behind the kind of a streamed message.
    ///
    /// Also right for Stream Start, Stream Commit and Stream Abort; what it
    /// returns for others is meaningless.
    public func streamedXID(of body: RawSpan) throws(DecodeError) -> TransactionID {
        var cursor = ByteCursor(body)
        _ = try cursor.messageKind()
        return try cursor.transactionID()
    }

    /// Whether a logical message belongs to a transaction, without a look at its content.
    ///
    /// - Parameters:
    ///   - body: The message, its kind first.
    ///   - streamed: It stands between Stream Start and Stream Stop.
    public func isTransactional(
        _ body: RawSpan, streamed: Bool
    ) throws(DecodeError) -> Bool {
        var cursor = ByteCursor(body)
        _ = try kind(&cursor, streamed: streamed)
        _ = try streamedXID(&cursor, streamed: streamed)
        return try cursor.flags(known: 1) == 1
    }

    /// The kind of the message, refused if it cannot stand where it does.
    func kind(
        _ cursor: inout ByteCursor, streamed: Bool
    ) throws(DecodeError) -> MessageKind {
        let kind = try cursor.messageKind()
        guard !streamed || kind.mayStandInStream else {
            throw cursor.error(.unexpectedInStream(kind.rawValue), at: 0)
        }
        return kind
    }

    /// The transaction ID that streamed messages carry, and no others.
    func streamedXID(
        _ cursor: inout ByteCursor, streamed: Bool
    ) throws(DecodeError) -> TransactionID? {
        streamed && protocolVersion >= 2 ? try cursor.transactionID() : nil
    }
}
