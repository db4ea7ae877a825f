import Foundation
import PGWire
import Testing

/// What a real server sent for `Captures/scenario.sql`; see
/// `Captures/make-captures.sh`.
struct Capture: CustomTestStringConvertible {
    /// One line: a message, and where and in which transaction it was sent.
    struct Message {
        var lsn: LSN
        var xid: TransactionID
        var bytes: [UInt8]
    }

    var name: String
    var messages: [Message]

    var testDescription: String { name }
    var major: Int { Int(name.prefix(2)) ?? 0 }
    var isBinary: Bool { name.hasSuffix("-binary") }
    var protocolVersion: Int { Int(name.dropFirst(4).prefix(1)) ?? 0 }
    var decoder: MessageDecoder {
        MessageDecoder(
            protocolVersion: protocolVersion, parallelStreaming: protocolVersion == 4)
    }

    /// All captures, read once.
    static let all: [Capture] = {
        let urls = Bundle.module.urls(forResourcesWithExtension: "hex", subdirectory: "Captures")
        return (urls ?? []).map { Capture(contentsOf: $0 as URL) }.sorted { $0.name < $1.name }
    }()

    private init(contentsOf url: URL) {
        guard let text = try? String(contentsOf: url, encoding: .utf8) else {
            preconditionFailure("cannot read \(url.lastPathComponent)")
        }
        name = url.deletingPathExtension().lastPathComponent
        messages = text.split(separator: "\n").map { line in
            let fields = line.split(separator: " ")
            guard fields.count == 3, let lsn = LSN(String(fields[0])),
                let xid = UInt32(fields[1])
            else { preconditionFailure("a line is not: lsn xid hex") }
            return Message(
                lsn: lsn, xid: TransactionID(rawValue: xid), bytes: Hex.bytes(fields[2]))
        }
    }

    /// All messages, decoded in order into one batch.
    func decoded() throws -> (messages: [Decoded], batch: Batch) {
        var batch = Batch()
        var streamed = false
        let decoded = try messages.map { message in
            let decoded = try decoder.decode(message.bytes, streamed: streamed, into: &batch)
            if case .control(.streamStart) = decoded { streamed = true }
            if case .control(.streamStop) = decoded { streamed = false }
            return decoded
        }
        return (decoded, batch)
    }
}
