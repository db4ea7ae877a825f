import LeatArchive
import PGWire

/// An archive in memory, which a test may damage.
struct MemoryArchive: ArchiveStorage {
    var files: [SegmentName: [UInt8]] = [:]
    var positionFile: [UInt8]?

    func position() throws(ArchiveError) -> [UInt8]? { positionFile }

    func segments() throws(ArchiveError) -> [SegmentName] { files.keys.sorted() }

    func read(
        _ segment: SegmentName, at offset: Int, count: Int
    ) throws(ArchiveError) -> [UInt8] {
        guard let bytes = files[segment] else { throw ArchiveError(.missingSegment(segment)) }
        guard offset < bytes.count else { return [] }
        return Array(bytes[offset..<min(bytes.count, offset + count)])
    }

    var names: [SegmentName] { files.keys.sorted() }
}

/// Writes one: what a recorder does, without files.
struct MemoryWriter {
    private(set) var archive = MemoryArchive()
    /// Where each frame lies.
    private(set) var frames: [(segment: SegmentName, range: Range<Int>)] = []
    private let encoder: FrameEncoder
    private let description: ArchiveDescription
    private let beginning: SegmentName
    private var segment: SegmentName
    private var end: LSN

    init(at start: LSN, _ description: ArchiveDescription) {
        self.description = description
        encoder = FrameEncoder(following: FrameLink(end: start, checksum: 0))
        beginning = SegmentName(start)
        segment = beginning
        end = start
        open(after: nil)
    }

    private mutating func open(after predecessor: SegmentName?) {
        segment = SegmentName(encoder.link.end)
        archive.files[segment] = SegmentHeader(
            first: encoder.link.end, predecessor: predecessor,
            previousChecksum: encoder.link.checksum, description: description
        ).encoded()
        store()
    }

    private mutating func write(_ encoded: [FrameEncoder.Encoded]) {
        for frame in encoded {
            let start = archive.files[segment]?.count ?? 0
            archive.files[segment]?.append(contentsOf: frame.bytes)
            frames.append((segment, start..<start + frame.bytes.count))
            end = max(end, frame.header.endLSN)
        }
    }

    mutating func append(_ batch: Batch) {
        write(encoder.append(batch))
    }

    mutating func finish() {
        write(encoder.finish())
        if !encoder.isWithinTransaction { store() }
    }

    mutating func catalog(_ catalog: ArchivedCatalog) {
        write(encoder.finish())
        write([encoder.catalog(catalog)])
    }

    /// Another segment, if this one holds anything.
    mutating func roll() {
        finish()
        guard !encoder.isWithinTransaction, encoder.link.end > segment.first else { return }
        open(after: segment)
    }

    private mutating func store() {
        archive.positionFile = ArchivePosition(
            archive: description.archive, end: end, segment: segment,
            length: archive.files[segment]?.count ?? 0,
            link: encoder.link, beginning: beginning
        ).encoded()
    }
}

extension ArchiveDescription {
    static let sample = sample(archive: ArchiveID(rawValue: 7))

    static func sample(archive: ArchiveID) -> ArchiveDescription {
        ArchiveDescription(
            archive: archive, stream: "shop", systemIdentifier: "7000000000000000001",
            timeline: 1, database: "shop", serverVersion: 150_018, serverEncoding: "UTF8",
            encoding: "UTF8", settings: ["datestyle": "ISO"],
            publications: [.init(name: "leat_shop", oid: 16_500)], catalog: ArchivedCatalog())
    }
}
