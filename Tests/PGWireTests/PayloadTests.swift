import LeatTestSupport
import PGWire
import Testing

@Suite struct ReplicationPayloadTests {
    private let header = XLogData(
        walStart: 0x16_B374_D848, walEnd: 0x16_B374_D900,
        sendTime: PostgresTimestamp(rawValue: -5))
    private let keepalive = Keepalive(
        walEnd: 7, sendTime: PostgresTimestamp(rawValue: 8), replyRequested: true)

    @Test("decodes XLogData and finds its body")
    func xLogData() throws {
        let bytes = WireEncoder.encode(header, body: [0x45, 1, 2])

        #expect(try ReplicationPayload(decoding: bytes.span.bytes) == .xLogData(header))
        let body = XLogData.body(of: bytes.span.bytes).withUnsafeBytes { Array($0) }
        #expect(body == [0x45, 1, 2])
        #expect(bytes.count == XLogData.headerSize + 3)
    }

    @Test("decodes a keepalive")
    func keepalives() throws {
        let bytes = WireEncoder.encode(keepalive)

        #expect(try ReplicationPayload(decoding: bytes.span.bytes) == .keepalive(keepalive))
        #expect(bytes.count == 18)
    }

    @Test("refuses every proper prefix")
    func prefixes() {
        for whole in [WireEncoder.encode(header, body: []), WireEncoder.encode(keepalive)] {
            for length in 0..<whole.count {
                let prefix = Array(whole[..<length])
                #expect(throws: DecodeError.self) {
                    try ReplicationPayload(decoding: prefix.span.bytes)
                }
            }
        }
    }

    @Test("has an empty body where there is no whole header")
    func shortBody() {
        let bytes: [UInt8] = [0x77, 1, 2]

        let byteCount = XLogData.body(of: bytes.span.bytes).byteCount

        #expect(byteCount == 0)
    }

    @Test("refuses unknown kinds, flags and trailing bytes")
    func refusals() {
        var flags = WireEncoder.encode(keepalive)
        flags[17] = 2
        let trailing = WireEncoder.encode(keepalive) + [0]
        let unknown: [UInt8] = [0x7A]

        #expect(throws: DecodeError(.invalidFlags(2), at: 17)) {
            try ReplicationPayload(decoding: flags.span.bytes)
        }
        #expect(throws: DecodeError(.trailingBytes(1), at: 18)) {
            try ReplicationPayload(decoding: trailing.span.bytes)
        }
        #expect(throws: DecodeError(.unknownMessage(0x7A), at: 0, messageKind: 0x7A)) {
            try ReplicationPayload(decoding: unknown.span.bytes)
        }
    }

    @Test("encodes a status update in the order written, flushed, applied")
    func statusUpdate() {
        let update = StandbyStatusUpdate(
            written: 0x0102_0304_0506_0708, flushed: 2, applied: 1,
            sendTime: PostgresTimestamp(rawValue: -1), replyRequested: true)

        #expect(
            update.encode() == [0x72] + [1, 2, 3, 4, 5, 6, 7, 8] + [0, 0, 0, 0, 0, 0, 0, 2]
                + [0, 0, 0, 0, 0, 0, 0, 1] + Array(repeating: 0xFF, count: 8) + [1])
        #expect(update.encode().count == StandbyStatusUpdate.size)
    }
}
