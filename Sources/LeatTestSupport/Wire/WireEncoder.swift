public import PGWire

/// Writes the bytes that a server sends: the reverse of ``MessageDecoder``.
///
/// What a protocol version adds to a message is optional in its Swift type, and
/// is written if it is there: a transaction ID makes a message a streamed one
/// (versions 2 to 4), a position makes Stream Abort one of parallel streaming.
///
/// Layouts: "Logical Replication Message Formats" and "Streaming Replication
/// Protocol" in the PostgreSQL manual.
public enum WireEncoder {
    /// One message that is not a row.
    public static func encode(_ message: ControlMessage) -> [UInt8] {
        var writer = ByteWriter()
        writer.kind(message.kind)
        switch message {
        case .begin(let message): writer.begin(message)
        case .commit(let message): writer.commit(message)
        case .origin(let message): writer.origin(message)
        case .relation(let message): writer.relation(message)
        case .type(let message): writer.type(message)
        case .truncate(let message): writer.truncate(message)
        case .message(let message): writer.logicalMessage(message)
        case .streamStart(let message): writer.streamStart(message)
        case .streamStop: break
        case .streamCommit(let message): writer.streamCommit(message)
        case .streamAbort(let message): writer.streamAbort(message)
        case .beginPrepare(let message): writer.beginPrepare(message)
        case .prepare(let message), .streamPrepare(let message): writer.prepare(message)
        case .commitPrepared(let message): writer.commitPrepared(message)
        case .rollbackPrepared(let message): writer.rollbackPrepared(message)
        }
        return writer.bytes
    }
}

// MARK: Payloads

extension WireEncoder {
    /// A CopyData payload with a message of the output plugin.
    public static func encode(_ header: XLogData, body: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.character("w")
        writer.lsn(header.walStart)
        writer.lsn(header.walEnd)
        writer.timestamp(header.sendTime)
        writer.raw(body)
        return writer.bytes
    }

    /// A CopyData payload with a message of the output plugin at `lsn`.
    public static func payload(_ body: [UInt8], at lsn: LSN = .zero) -> [UInt8] {
        encode(
            XLogData(walStart: lsn, walEnd: lsn, sendTime: PostgresTimestamp(rawValue: 0)),
            body: body)
    }

    /// A CopyData payload with a keepalive.
    public static func encode(_ keepalive: Keepalive) -> [UInt8] {
        var writer = ByteWriter()
        writer.character("k")
        writer.lsn(keepalive.walEnd)
        writer.timestamp(keepalive.sendTime)
        writer.flag(keepalive.replyRequested)
        return writer.bytes
    }
}
