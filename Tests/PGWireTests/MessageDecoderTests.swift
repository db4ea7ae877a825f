import LeatTestSupport
import PGWire
import Testing

@Suite struct MessageDecoderTests {
    @Test("decodes each message to what was encoded", arguments: Sample.all)
    func roundTrip(sample: Sample) throws {
        var batch = Batch()

        let decoded = try sample.decoder.decode(
            sample.bytes, streamed: sample.streamed, into: &batch)

        #expect(decoded.encoded(from: batch) == sample.bytes)
        if let expected = sample.expected { #expect(decoded == .control(expected)) }
    }

    @Test("refuses every proper prefix, and leaves the batch as it was", arguments: Sample.all)
    func prefixes(sample: Sample) {
        var batch = Batch()
        for length in 0..<sample.bytes.count {
            #expect(throws: DecodeError.self) {
                try sample.decoder.decode(
                    Array(sample.bytes[..<length]), streamed: sample.streamed, into: &batch)
            }
        }

        #expect(batch.byteCount == 0)
    }

    @Test("refuses trailing bytes", arguments: Sample.all)
    func trailingBytes(sample: Sample) {
        let expected = DecodeError(
            .trailingBytes(2), at: sample.bytes.count, messageKind: sample.bytes[0])
        #expect(throws: expected) {
            try sample.decoder.decode(sample.bytes + [0, 0], streamed: sample.streamed)
        }
    }

    @Test("finds the transaction ID of a streamed message", arguments: Sample.all)
    func streamedXID(sample: Sample) throws {
        guard sample.streamed, sample.bytes.count > 1 else { return }

        let xid = try sample.decoder.streamedXID(of: sample.bytes.span.bytes)

        #expect(xid == TransactionID(rawValue: 0xFFFF_FFFE))
    }

    @Test("knows exactly the nineteen kinds")
    func kinds() {
        let known = Set("BCORYIUDTMSEcAbPKrp".utf8)
        let decoder = MessageDecoder(protocolVersion: 4)
        for byte in UInt8.min...UInt8.max {
            let body = [byte]
            if known.contains(byte) {
                #expect(throws: Never.self) { try decoder.kind(of: body.span.bytes) }
            } else {
                #expect(throws: DecodeError(.unknownMessage(byte), at: 0, messageKind: byte)) {
                    try decoder.kind(of: body.span.bytes)
                }
            }
        }
        #expect(MessageKind.allCases.filter(\.isRow) == [.insert, .update, .delete])
    }

    @Test("refuses rows as control messages and control messages as rows")
    func wrongFunction() {
        let decoder = MessageDecoder(protocolVersion: 1)
        let insert = WireEncoder.insert(into: RelationID(rawValue: 1), ["a"])
        let stop = WireEncoder.encode(.streamStop)
        var batch = Batch()

        #expect(throws: DecodeError(.unexpectedMessage(0x49), at: 0, messageKind: 0x49)) {
            try decoder.decodeControl(insert.span.bytes, streamed: false)
        }
        #expect(throws: DecodeError(.unexpectedMessage(0x45), at: 0, messageKind: 0x45)) {
            try decoder.decodeRow(stop.span.bytes, streamed: false, into: &batch)
        }
    }

    @Test("refuses inside a stream block what cannot stand there", arguments: Sample.all)
    func unexpectedInStream(sample: Sample) throws {
        let kind = try sample.decoder.kind(of: sample.bytes.span.bytes)
        guard !kind.mayStandInStream else { return }

        let expected = DecodeError(
            .unexpectedInStream(kind.rawValue), at: 0, messageKind: kind.rawValue)
        #expect(throws: expected) { try sample.decoder.decode(sample.bytes, streamed: true) }
    }
}
