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
        Stage(name: "fold", run: fold),
        Stage(name: "encode", run: encode),
        Stage(name: "mask", run: mask),
        Stage(name: "copy masked", run: copyMasked),
    ]

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
            if batch.byteCount >= Workload.batchBytes { batch = Batch() }
        }
        return rows
    }

    /// Payload to whole transactions in batches: all that the receiver does with a message.
    @Sendable private static func assemble(_ workload: Workload) throws -> Int {
        var rows = 0
        try workload.assemble { rows += $0.changes.count }
        return rows
    }

    /// Batches to net changes, a table for each relation as the applier has it.
    @Sendable private static func fold(_ workload: Workload) throws -> Int {
        var rows = 0
        for batch in workload.batches {
            var tables = batch.relations.map {
                NetTable(key: key(of: $0), columnCount: $0.columns.count, movesKeys: true)
            }
            let columns = batch.columns.span
            let bytes = batch.bytes.span.bytes
            for index in batch.changes.indices {
                let change = batch.changes[index]
                guard
                    case .folded = tables[Int(change.relation)].fold(
                        change, at: index, of: columns, in: bytes)
                else { continue }
                rows += 1
            }
        }
        return rows
    }

    /// Columns to the rows of a COPY: the new tuple, or the key of what is deleted.
    @Sendable private static func encode(_ workload: Workload) throws -> Int {
        let buffer = CopyBuffer(isBinary: false)
        var rows = 0
        for batch in workload.batches {
            let orders = batch.relations.map { Array($0.columns.indices) }
            let keys = batch.relations.map(key)
            batch.bytes.withUnsafeBytes { arena in
                batch.columns.withUnsafeBufferPointer { columns in
                    guard let arena = arena.baseAddress, let first = columns.baseAddress else {
                        return
                    }
                    for change in batch.changes {
                        let isDelete = change.kind == .delete
                        let tuple = isDelete ? change.old : change.new
                        let isWritten = buffer.append(
                            operation: nil, columns: first + Int(tuple.first),
                            order: (isDelete ? keys : orders)[Int(change.relation)], arena: arena)
                        if isWritten { rows += 1 }
                        if buffer.count >= Workload.chunkBytes { buffer.removeAll() }
                    }
                }
            }
        }
        return rows
    }

    private static func key(of relation: Relation) -> [Int] {
        relation.columns.indices.filter { relation.columns[$0].isKey }
    }
}
