import LeatCore
import PGWire

/// A part of the row's way through the process.
///
/// To add one: a function from a workload to the rows that it worked through, and a line in
/// ``all``. What it needs beforehand belongs into ``Workload``, where it is not timed.
struct Stage: Sendable {
    /// Some work was not done: what was measured is not what it says.
    struct Incomplete: Error, CustomStringConvertible {
        let description: String
    }

    let name: String
    let run: @Sendable (Workload) throws -> Int

    static let all = [
        Stage(name: "decode", run: decode),
        Stage(name: "assemble", run: assemble),
    ]

    /// As much as the receiver hands over at a time under load.
    static let batchBytes = 1 << 20

    /// Payload to columns in a batch.
    @Sendable private static func decode(_ workload: Workload) throws -> Int {
        let decoder = MessageDecoder(protocolVersion: 1)
        var batch = Batch()
        var rows = 0
        for index in 0..<workload.payloads.count {
            let payload = workload.payloads[index]
            guard case .xLogData = try ReplicationPayload(decoding: payload) else { continue }
            let body = XLogData.body(of: payload)
            guard try decoder.kind(of: body).isRow else { continue }
            _ = try decoder.decodeRow(body, streamed: false, into: &batch)
            rows += 1
            if batch.byteCount >= batchBytes { batch = Batch() }
        }
        return rows
    }

    /// Payload to whole transactions in batches: all that the receiver does with a message.
    @Sendable private static func assemble(_ workload: Workload) throws -> Int {
        var assembler = workload.assembler()
        var rows = 0
        for index in 0..<workload.payloads.count {
            let payload = workload.payloads[index]
            guard case .xLogData(let data) = try ReplicationPayload(decoding: payload) else {
                continue
            }
            _ = try assembler.receive(XLogData.body(of: payload), at: data.walStart)
            if assembler.batch.byteCount >= batchBytes {
                rows += assembler.takeBatch().changes.count
            }
        }
        return rows + assembler.takeBatch().changes.count
    }
}
