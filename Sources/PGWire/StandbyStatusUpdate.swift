/// What the receiver tells the server: how far it has come.
///
/// Source: "Streaming Replication Protocol" in the PostgreSQL manual, Standby
/// status update.
public struct StandbyStatusUpdate: Equatable, Sendable {
    /// Bytes of the encoded message.
    public static let size = 34

    /// End of the last message received; what follows may be lost.
    public var written: LSN
    /// Every commit ending at or before it is stored: the server may recycle the
    /// WAL up to here and never sends it again.
    public var flushed: LSN
    /// Every commit ending at or before it is visible on the target.
    public var applied: LSN
    /// Our clock.
    public var sendTime: PostgresTimestamp
    /// Asks the server for a keepalive at once.
    public var replyRequested: Bool

    /// Positions only ever move forward; see each property.
    public init(
        written: LSN, flushed: LSN, applied: LSN, sendTime: PostgresTimestamp,
        replyRequested: Bool = false
    ) {
        self.written = written
        self.flushed = flushed
        self.applied = applied
        self.sendTime = sendTime
        self.replyRequested = replyRequested
    }

    /// The 34 bytes of the message, for one CopyData payload.
    public func encode() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.size)
        bytes.append(UInt8(ascii: "r"))
        Self.append(written.rawValue, to: &bytes)
        Self.append(flushed.rawValue, to: &bytes)
        Self.append(applied.rawValue, to: &bytes)
        Self.append(UInt64(bitPattern: sendTime.rawValue), to: &bytes)
        bytes.append(replyRequested ? 1 : 0)
        return bytes
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
