import Foundation
@testable import LeatArchive
import LeatCore
import LeatTestSupport
import PGWire
import Testing

/// A frame whose content is too large to be held: its values come out as they went in.
@Suite("Large frames")
struct LargeFrameTests {
    private static let relation = Relation(
        id: RelationID(rawValue: 16384), schema: "public", name: "t", replicaIdentity: .full,
        columns: (0..<5).map {
            RelationColumn(isKey: $0 == 0, name: "c\($0)", typeOID: 25, typeModifier: -1)
        })

    /// One transaction with one change, whose values have these lengths.
    private static func batch(
        _ kind: Change.Kind, old: [Int?] = [], new: [Int?] = []
    ) throws -> Batch {
        var assembler = TransactionAssembler(
            decoder: MessageDecoder(protocolVersion: 1), tables: .everything, position: .zero,
            keepsMessages: true)
        var row = FieldWriter()
        row.integer(UInt8(ascii: kind == .insert ? "I" : kind == .update ? "U" : "D"))
        row.integer(relation.id.rawValue)
        for (tag, values) in [("O", old), ("N", new)] where !values.isEmpty {
            row.raw(tag.utf8)
            row.integer(UInt16(values.count))
            for (index, length) in values.enumerated() {
                guard let length else {
                    row.raw("n".utf8)
                    continue
                }
                row.raw("t".utf8)
                row.integer(UInt32(length))
                row.raw(Array(repeating: UInt8(1 + index), count: length))
            }
        }
        let transaction = Transaction(
            xid: TransactionID(rawValue: 7), commitLSN: 2000, endLSN: 2048,
            commitTime: PostgresTimestamp(rawValue: 5), origin: nil, firstChange: 0,
            beganEarlier: false, isComplete: true)
        for message in [
            FieldWriter.relation(relation), FieldWriter.begin(transaction), row.bytes,
            FieldWriter.commit(transaction),
        ] { _ = try assembler.receive(message.span.bytes, at: 1500) }
        return assembler.takeBatch()
    }

    private static func frame(_ batch: Batch) throws -> Frame {
        let encoder = FrameEncoder(following: FrameLink(end: 1000, checksum: 0))
        let made = encoder.append(batch) + encoder.finish()
        let frame = try #require(made.first)
        #expect(made.count == 1 && frame.header.isLarge)
        return Frame(
            header: frame.header, payload: Array(frame.bytes.dropFirst(FrameHeader.byteCount)))
    }

    private static func values(_ batch: Batch) -> [[UInt8]?] {
        batch.columns.map { $0.hasValue ? Array(batch.bytes[$0.range]) : nil }
    }

    private static let large = FrameHeader.largestShared

    @Test(
        "inserts, updates and deletes, with large values and small ones in any place",
        arguments: [
            (Change.Kind.insert, [], [3, large, 0, nil, 7]),
            (.update, [1, nil, large, 70_000, 5], [large, 2, nil, 65_536, 65_537]),
            (.delete, [nil, nil, nil, nil, large + 100_000], []),
        ] as [(Change.Kind, [Int?], [Int?])])
    func values(_ kind: Change.Kind, _ old: [Int?], _ new: [Int?]) throws {
        let batch = try Self.batch(kind, old: old, new: new)
        let frame = try Self.frame(batch)
        var decoder = BatchDecoder()
        var prover = BatchDecoder(keepsLargeValues: false)

        let read = try decoder.batch(of: frame)
        let proven = try prover.batch(of: frame)

        #expect(read.transactions == batch.transactions && read.changes.count == 1)
        #expect(read.changes[0].kind == kind)
        #expect(Self.values(read) == Self.values(batch))
        // Each is a C string.
        #expect(
            read.columns.allSatisfy { !$0.hasValue || read.bytes[$0.range.upperBound] == 0 })
        #expect(proven.bytes.count < 200_000 && proven.columns.count == batch.columns.count)
    }

    @Test("a frame that says or holds anything else is refused")
    func damaged() throws {
        let frame = try Self.frame(try Self.batch(.insert, new: [1, Self.large, 2, 3, 4]))
        let content = try ZstdDecompressor().decompress(
            frame.payload.span.bytes, size: Int(frame.header.contentBytes))
        func refused(_ what: String, _ change: (inout Frame, inout [UInt8]) -> Void) {
            var (hostile, bytes) = (frame, content)
            change(&hostile, &bytes)
            if bytes != content {
                hostile.payload = ZstdCompressor(level: 1).compress(bytes.span.bytes)
            }
            let frame = hostile
            #expect(throws: ArchiveError.self, "\(what)") {
                var decoder = BatchDecoder()
                return try decoder.batch(of: frame)
            }
        }
        refused("less than it claims") { frame, _ in frame.header.contentBytes += 1 }
        refused("more than it claims") { frame, _ in frame.header.contentBytes -= 1 }
        refused("ends early") { frame, _ in frame.payload.removeLast(100) }
        refused("something behind it") { frame, _ in frame.payload += [0, 0] }
        refused("shorter content") { _, bytes in bytes.removeLast(5) }
        refused("another change count") { frame, _ in frame.header.changes = 2 }
        let head = content.count - Self.large
        for index in stride(from: 0, to: min(head, 200), by: 5) {
            var bytes = content
            bytes[index] ^= 0x81
            var hostile = frame
            hostile.payload = ZstdCompressor(level: 1).compress(bytes.span.bytes)
            var decoder = BatchDecoder(keepsLargeValues: false)
            // A changed name or value is one too. All else must be an error, never a trap.
            _ = try? decoder.batch(of: hostile)
        }
    }

    @Test("a header claims no more than there can be", arguments: [UInt32.max, 1_500_000_000])
    func claims(_ bytes: UInt32) throws {
        var header = FrameHeader(
            kind: .changes, previous: FrameLink(end: 1000, checksum: 0), contentBytes: 100)
        (header.changes, header.endLSN) = (1, 2000)
        var (payload, content) = (header, header)
        payload.payloadBytes = bytes
        content.contentBytes = bytes
        for hostile in [payload, content] {
            var hostile = hostile
            let encoded = hostile.encode()
            #expect(throws: ArchiveError.self) {
                try FrameHeader(decoding: encoded.span.bytes)
            }
        }
    }
}

extension FrameHeader {
    fileprivate init(kind: Kind, previous: FrameLink, contentBytes: UInt32) {
        self.init(kind: kind, previous: previous)
        self.contentBytes = contentBytes
    }
}
