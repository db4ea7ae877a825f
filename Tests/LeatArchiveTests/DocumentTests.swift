import Foundation
@testable import LeatArchive
import LeatCore
import LeatTestSupport
import PGWire
import Testing

/// The example of `Docs/reference/archive-format.md`, which another program has made.
@Suite struct DocumentTests {
    @Test("the example is read, and what it holds is what would be written")
    func example() throws {
        let (segment, position) = try Self.example()
        var archive = MemoryArchive()
        archive.files[SegmentName(0x100_0000)] = segment
        archive.positionFile = position
        var reader = try ArchiveReader(archive)
        guard case .segment(let header) = try reader.next(),
            case .frame(let frame) = try reader.next()
        else {
            Issue.record("not a segment and a frame")
            return
        }
        var decoder = BatchDecoder()
        let batch = try decoder.batch(of: frame)

        #expect(try reader.next() == nil)
        #expect(header.description.catalog.tables.map(\.relation) == batch.relations)
        #expect(header.description.database == "shop")
        #expect(batch.transactions.map(\.endLSN) == [0x100_0138])
        #expect(batch.changes.map(\.lsn) == [0x100_0080])
        #expect(batch.columns.map { batch.text(of: $0) } == ["1", "a"])

        let encoder = FrameEncoder(following: FrameLink(end: 0x100_0000, checksum: 0))
        let made = try #require((encoder.append(batch) + encoder.finish()).first)
        let payload = Array(made.bytes.dropFirst(FrameHeader.byteCount))
        #expect(try content(made.header, payload) == content(frame.header, frame.payload))
        #expect(made.header.changes == 1 && made.header.endLSN == 0x100_0138)
        #expect(
            try ArchivePosition(decoding: position).encoded() == position)
    }

    private func content(_ header: FrameHeader, _ payload: [UInt8]) throws -> [UInt8] {
        try ZstdDecompressor().decompress(payload.span.bytes, size: Int(header.contentBytes))
    }

    /// The indented blocks of the page: the position, and the segment's bytes.
    private static func example() throws -> (segment: [UInt8], position: [UInt8]) {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Docs/reference/archive-format.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let blocks = text.components(separatedBy: "\n\n")
        let position = try #require(blocks.first { $0.hasPrefix("    leat-position 1") })
        let segment = try #require(blocks.first { $0.hasPrefix("    4c 45 41 54") })
        let lines = position.split(separator: "\n").map { $0.dropFirst(4) + "\n" }
        let bytes = segment.split { $0 == " " || $0 == "\n" }.compactMap { UInt8($0, radix: 16) }
        return (bytes, Array(lines.joined().utf8))
    }
}
