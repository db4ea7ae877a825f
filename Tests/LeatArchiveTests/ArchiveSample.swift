import LeatArchive
import PGWire
import Synchronization

enum ArchiveSample {
    /// Writes a stream into an archive of some segments, with frames that end anywhere.
    static func write(
        _ stream: inout RandomStream, transactions: Int
    ) throws -> (MemoryArchive, [Batch]) {
        let (writer, batches) = try writing(&stream, transactions: transactions)
        return (writer.archive, batches)
    }

    static func writing(
        _ stream: inout RandomStream, transactions: Int, archive: UInt64 = 7
    ) throws -> (MemoryWriter, [Batch]) {
        var writer = MemoryWriter(
            at: 1000, .sample(archive: ArchiveID(rawValue: archive)))
        let batches = try stream.batches(transactions)
        for batch in batches {
            writer.append(batch)
            if stream.once(in: 3) { writer.finish() }
            if stream.once(in: 12) { writer.catalog(ArchivedCatalog()) }
            if stream.once(in: 6) { writer.roll() }
        }
        writer.finish()
        return (writer, batches)
    }
}

/// One that changes under its reader's hands.
final class GrowingArchive: ArchiveStorage {
    private let archive = Mutex(MemoryArchive())

    func replace(_ new: MemoryArchive) {
        archive.withLock { $0 = new }
    }

    private var now: MemoryArchive { archive.withLock { $0 } }

    func position() throws(ArchiveError) -> [UInt8]? { try now.position() }
    func segments() throws(ArchiveError) -> [SegmentName] { try now.segments() }

    func read(
        _ segment: SegmentName, at offset: Int, count: Int
    ) throws(ArchiveError) -> [UInt8] {
        try now.read(segment, at: offset, count: count)
    }
}
