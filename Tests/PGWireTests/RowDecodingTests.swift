import LeatTestSupport
import PGWire
import Testing

@Suite struct RowDecodingTests {
    private let decoder = MessageDecoder(protocolVersion: 1)
    private let table = RelationID(rawValue: 16_384)

    private func row(_ bytes: [UInt8], into batch: inout Batch) throws -> RowMessage {
        try decoder.decodeRow(bytes.span.bytes, streamed: false, into: &batch)
    }

    @Test("keeps NULL, unchanged TOAST and the empty string apart")
    func distinct() throws {
        var batch = Batch()

        let row = try row(
            WireEncoder.insert(into: table, [.null, .unchangedTOAST, "", .binary([])]), into: &batch
        )

        let columns = batch.columns(of: row.new)
        #expect(columns.map(\.kind) == [.null, .unchangedTOAST, .text, .binary])
        #expect(columns.map { batch.text(of: $0) } == [nil, nil, "", ""])
        #expect(columns.map(\.hasValue) == [false, false, true, true])
    }

    @Test("puts a NUL behind every value, rows before and after unharmed")
    func terminators() throws {
        var batch = Batch()
        let values = ["a", "", "drei – 三", "last"]
        for _ in 0..<3 {
            _ = try row(
                WireEncoder.update(
                    table, old: .full(values.map { .text($0) } + [.binary([0x6E, 0x74])]),
                    new: values.map { .text($0) }), into: &batch)
        }

        #expect(batch.columns.allSatisfy { batch.bytes[$0.range.upperBound] == 0 })
        let texts = batch.columns.map { batch.text(of: $0) }
        let once = values + ["nt"] + values
        #expect(texts == once + once + once)
    }

    @Test("copies the message into the arena once")
    func arena() throws {
        var batch = Batch()
        let bytes = WireEncoder.insert(into: table, ["1", .null])

        _ = try row(bytes, into: &batch)

        #expect(batch.columns[0] == Column(kind: .text, offset: 13, length: 1))
        #expect(batch.bytes == Array(bytes[..<14]) + [0, 0])
        #expect(batch.changes.isEmpty)
    }

    @Test("tells key tuples from full ones")
    func oldTuples() throws {
        var batch = Batch()

        let key = try row(
            WireEncoder.update(table, old: .key(["1", .null]), new: ["2", "b"]), into: &batch)
        let full = try row(WireEncoder.delete(table, old: .full(["2", "b"])), into: &batch)

        #expect(key.kind == .update && key.oldKind == .key)
        #expect(key.old == Tuple(first: 0, count: 2) && key.new == Tuple(first: 2, count: 2))
        #expect(full.kind == .delete && full.oldKind == .full)
        #expect(full.old == Tuple(first: 4, count: 2) && full.new == .none)
        #expect(full.relationID == table)
    }

    @Test("carries the transaction ID from version 2 on, in a stream only")
    func streamed() throws {
        let xid = TransactionID(rawValue: 7)
        let bytes = WireEncoder.insert(into: table, ["1"], xid: xid)
        var batch = Batch()

        let row = try MessageDecoder(protocolVersion: 2).decodeRow(
            bytes.span.bytes, streamed: true, into: &batch)

        #expect(row.xid == xid && row.relationID == table)
        #expect(batch.text(of: batch.columns[0]) == "1")
    }

    @Test("reuses the memory of the tables")
    func capacity() throws {
        let bytes = WireEncoder.insert(into: table, Array(repeating: "0123456789", count: 10))
        var batch = Batch()
        for _ in 0..<1000 { _ = try row(bytes, into: &batch) }
        let before = [batch.bytes.capacity, batch.columns.capacity]

        batch.removeAll(keepingCapacity: true)
        for _ in 0..<1000 { _ = try row(bytes, into: &batch) }

        #expect([batch.bytes.capacity, batch.columns.capacity] == before)
        #expect(batch.columns.count == 10_000)
        #expect(batch.byteCount == 1000 * (bytes.count + 1) + 120_000)
    }
}
