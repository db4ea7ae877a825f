import LeatTestSupport
import PGWire

/// Any decoded message.
enum Decoded: Equatable {
    case row(RowMessage)
    case control(ControlMessage)

    /// The bytes that it was decoded from.
    func encoded(from batch: Batch) -> [UInt8] {
        switch self {
        case .row(let row): WireEncoder.encode(row, from: batch)
        case .control(let message): WireEncoder.encode(message)
        }
    }
}

extension MessageDecoder {
    /// Decodes as the assembler does: rows into the batch, the rest by itself.
    func decode(
        _ bytes: [UInt8], streamed: Bool = false, into batch: inout Batch
    ) throws(DecodeError) -> Decoded {
        let body = bytes.span.bytes
        return try kind(of: body).isRow
            ? .row(try decodeRow(body, streamed: streamed, into: &batch))
            : .control(try decodeControl(body, streamed: streamed))
    }

    /// Decodes into a batch of its own.
    func decode(_ bytes: [UInt8], streamed: Bool = false) throws(DecodeError) -> Decoded {
        var batch = Batch()
        return try decode(bytes, streamed: streamed, into: &batch)
    }
}
