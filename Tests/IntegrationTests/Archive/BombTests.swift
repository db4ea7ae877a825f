import Foundation
@testable import LeatArchive
import LeatCore
import LeatTestSupport
import PGWire
import Testing

/// An archive of a few kilobytes with a frame that becomes 1.2 GiB.
@Suite("A frame that becomes far more than it takes")
struct BombTests {
    private static let valueBytes = 1200 << 20
    /// What a debug build takes by itself, and a few pieces.
    private static let mostResident = 300 << 20

    @Test("is proven whole, and read in a few MiB")
    func verified() async throws {
        try await withBomb { path in
            let leat = try LeatProcess(["archive", "verify", path])

            #expect(try await leat.waitForExit() == 0, "\(leat.log)")
            #expect(leat.output.contains("1 transactions, 1 changes"))
            #expect(leat.output.hasSuffix("whole\n"))
            let peak = leat.peakResidentBytes
            #expect(peak < Self.mostResident, "\(peak)")
        }
    }

    @Test("is refused with an exit code where there is no memory for its change")
    func limited() async throws {
        try await withBomb { path in
            let leat = try ChildProcess(
                "/usr/bin/prlimit",
                arguments: [
                    "--as=\(1100 << 20)", try LeatProcess.executable(), "archive", "export", path,
                ])

            let exit = try await leat.wait(timeout: .patience)

            #expect(exit == .code(9), "\(leat.errorOutput)")
            #expect(leat.errorOutput.contains("This machine refuses Leat"))
        }
    }

    @Test("is refused where it becomes more than it says")
    func lying() async throws {
        try await withBomb(claimed: 100 << 20) { path in
            let leat = try LeatProcess(["archive", "verify", path])

            #expect(try await leat.waitForExit() == 5, "\(leat.log)")
            #expect(leat.output.contains("damaged: segments/"))
            #expect(leat.peakResidentBytes < Self.mostResident)
        }
    }

    // MARK: Making one

    private func withBomb(
        claimed: Int? = nil, _ body: (String) async throws -> Void
    ) async throws {
        let path = NSTemporaryDirectory() + "/leat-bomb-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Self.write(path, claimed: claimed)
        try await body(path)
    }

    private static func write(_ path: String, claimed: Int?) throws {
        let folder = ArchiveFolder(path)
        let lock = try WriterLock(folder)
        let id = ArchiveID(rawValue: 7)
        try ArchiveWriter.begin(
            in: folder, under: lock, at: 1000,
            describing: ArchiveDescription(
                archive: id, stream: "shop", systemIdentifier: "7", timeline: 1,
                database: "shop", serverVersion: 160_000, serverEncoding: "UTF8",
                encoding: "UTF8", settings: [:], publications: [], catalog: ArchivedCatalog()))
        try StreamFile(
            state: .streaming, archive: id, stream: "shop", slot: "leat_shop", ownsSlot: true,
            ownsPublication: true, publications: [], systemIdentifier: "7", database: "shop",
            timeline: 1, tables: []
        ).write(in: folder, under: lock)
        var position = try folder.storedPosition()
        let made = Self.frame(claimed: claimed)
        let file = try FileHandle(
            forWritingTo: URL(filePath: folder.path(of: position.segment)))
        try file.seekToEnd()
        try file.write(contentsOf: Data(made.bytes))
        try file.close()
        position.length += made.bytes.count
        (position.link, position.end) = (made.header.link, made.header.endLSN)
        try Data(position.encoded()).write(to: URL(filePath: folder.positionPath))
    }

    private static func frame(claimed: Int?) -> (header: FrameHeader, bytes: [UInt8]) {
        let (before, after) = content()
        let size = claimed ?? before.count + valueBytes + after.count
        let payload = zstd(before, repeating: UInt8(ascii: "a"), valueBytes, after, size)
        var header = FrameHeader(
            kind: .changes, previous: FrameLink(end: 1000, checksum: 0))
        (header.transactions, header.changes) = (1, 1)
        (header.firstLSN, header.endLSN) = (2000, 2048)
        (header.contentBytes, header.payloadBytes) = (UInt32(size), UInt32(payload.count))
        header.payloadChecksum = Checksum.crc32c(payload.span.bytes)
        // Sets its checksum.
        let encoded = header.encode()
        return (header, encoded + payload)
    }

    /// An insert of one long value: what stands before and behind it.
    private static func content() -> ([UInt8], [UInt8]) {
        let relation = Relation(
            id: RelationID(rawValue: 16384), schema: "public", name: "t",
            replicaIdentity: .default,
            columns: [RelationColumn(isKey: true, name: "x", typeOID: 25, typeModifier: -1)])
        let transaction = Transaction(
            xid: TransactionID(rawValue: 7), commitLSN: 2000, endLSN: 2048,
            commitTime: PostgresTimestamp(rawValue: 5), firstChange: 0)
        var insert = FieldWriter()
        insert.raw("I".utf8)
        insert.integer(relation.id.rawValue)
        insert.raw("N".utf8)
        insert.integer(UInt16(1))
        insert.raw("t".utf8)
        insert.integer(UInt32(valueBytes))
        let before =
            record(FieldWriter.relation(relation), at: 0)
            + record(FieldWriter.begin(transaction), at: 2000)
            + prefix(insert.bytes.count + valueBytes, distance: 0) + insert.bytes
        return (before, record(FieldWriter.commit(transaction), at: 0))
    }

    private static func record(_ message: [UInt8], at distance: UInt64) -> [UInt8] {
        prefix(message.count, distance: distance) + message
    }

    private static func prefix(_ length: Int, distance: UInt64) -> [UInt8] {
        variable(UInt64(length)) + variable(distance << 1)
    }

    private static func variable(_ value: UInt64) -> [UInt8] {
        guard value >= 0x80 else { return [UInt8(value)] }
        return [UInt8(truncatingIfNeeded: value) | 0x80] + variable(value >> 7)
    }

    /// A zstd frame of raw blocks around blocks of one byte repeated: RFC 8878, section 3.1.1.
    private static func zstd(
        _ before: [UInt8], repeating byte: UInt8, _ count: Int, _ after: [UInt8], _ size: Int
    ) -> [UInt8] {
        // A content size of 8 bytes, a window of 128 KiB.
        var bytes: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0xC0, 0x38]
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
        func block(_ kind: Int, _ size: Int, isLast: Bool = false) -> [UInt8] {
            let header = size << 3 | kind << 1 | (isLast ? 1 : 0)
            return (0..<3).map { UInt8(truncatingIfNeeded: header >> (8 * $0)) }
        }
        bytes += block(0, before.count) + before
        var left = count
        while left > 0 {
            let size = min(left, 128 << 10)
            bytes += block(1, size) + [byte]
            left -= size
        }
        return bytes + block(0, after.count, isLast: true) + after
    }
}
