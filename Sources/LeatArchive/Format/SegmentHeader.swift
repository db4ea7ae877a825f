public import PGWire

/// What stands at the beginning of a segment. `Docs/reference/archive-format.md` has the layout.
public struct SegmentHeader: Equatable, Sendable {
    /// Where the segment begins, which names it: the end of the frame before it.
    public var first: LSN
    /// The segment before it; nil for the first one of an archive.
    public var predecessor: SegmentName?
    /// Checksum of the last frame of that one.
    public var previousChecksum: UInt32
    public var description: ArchiveDescription

    public init(
        first: LSN, predecessor: SegmentName?, previousChecksum: UInt32,
        description: ArchiveDescription
    ) {
        self.first = first
        self.predecessor = predecessor
        self.previousChecksum = previousChecksum
        self.description = description
    }

    public static let formatVersion = 1
    /// Of the part with a fixed length.
    public static let byteCount = 52
    static let magic: UInt64 = 0x4C45_4154_5345_474D  // LEATSEGM
    static let largestContent = 64 << 20

    public var name: SegmentName { SegmentName(first) }
    /// What the segment's first frame must follow.
    public var link: FrameLink { FrameLink(end: first, checksum: previousChecksum) }

    // MARK: Bytes

    /// All of it.
    public func encoded() -> [UInt8] {
        let content = JSONContent.encode(description)
        let payload = ZstdCompressor(level: 3).compress(content.span.bytes)
        var writer = FieldWriter()
        writer.integer(SegmentHeader.magic)
        writer.integer(UInt16(SegmentHeader.formatVersion))
        writer.integer(UInt16(predecessor == nil ? 0 : 1))
        writer.integer(UInt32(payload.count))
        writer.integer(UInt32(content.count))
        writer.lsn(first)
        writer.lsn(predecessor?.first ?? .zero)
        writer.integer(previousChecksum)
        writer.integer(Checksum.crc32c(payload.span.bytes))
        writer.integer(UInt32(0))
        writer.integer(Checksum.crc32c(writer.bytes.span.bytes))
        return writer.bytes + payload
    }

    /// How long the header at the beginning of `bytes` is in all: known from its fixed part.
    public static func length(of bytes: RawSpan) throws(ArchiveError) -> Int {
        byteCount + Int(try Fixed(bytes).payloadBytes)
    }

    /// Decodes and checks the header at the beginning of `bytes`.
    public init(decoding bytes: RawSpan) throws(ArchiveError) {
        let fixed = try Fixed(bytes)
        let end = SegmentHeader.byteCount + Int(fixed.payloadBytes)
        guard end <= bytes.byteCount else {
            throw ArchiveError(.truncated(needed: end, available: bytes.byteCount))
        }
        let payload = bytes.extracting(SegmentHeader.byteCount..<end)
        guard Checksum.crc32c(payload) == fixed.payloadChecksum else {
            throw ArchiveError(.damagedPayload)
        }
        let content = try ZstdDecompressor().decompress(payload, size: Int(fixed.contentBytes))
        first = fixed.first
        predecessor = fixed.predecessor
        previousChecksum = fixed.previousChecksum
        description = try JSONContent.decode(
            ArchiveDescription.self, from: content, what: "description of the source")
    }

    /// The part with a fixed length.
    private struct Fixed {
        var payloadBytes: UInt32
        var contentBytes: UInt32
        var first: LSN
        var predecessor: SegmentName?
        var previousChecksum: UInt32
        var payloadChecksum: UInt32

        init(_ bytes: RawSpan) throws(ArchiveError) {
            guard bytes.byteCount >= SegmentHeader.byteCount else {
                throw ArchiveError(
                    .truncated(needed: SegmentHeader.byteCount, available: bytes.byteCount))
            }
            var reader = FieldReader(bytes)
            guard reader.integer() == SegmentHeader.magic else {
                throw ArchiveError(.notASegment)
            }
            let (version, flags): (UInt16, UInt16) = (reader.integer(), reader.integer())
            guard version == SegmentHeader.formatVersion else {
                throw ArchiveError(.unknownVersion(Int(version)))
            }
            (payloadBytes, contentBytes) = (reader.integer(), reader.integer())
            first = reader.lsn()
            let before = reader.lsn()
            (previousChecksum, payloadChecksum) = (reader.integer(), reader.integer())
            let (reserved, checksum): (UInt32, UInt32) = (reader.integer(), reader.integer())
            guard Checksum.crc32c(bytes.extracting(first: SegmentHeader.byteCount - 4)) == checksum
            else { throw ArchiveError(.damagedHeader) }
            guard flags & ~1 == 0, reserved == 0, flags == 1 || before.isZero else {
                throw ArchiveError(.invalid("flags of a segment"))
            }
            predecessor = flags == 1 ? SegmentName(before) : nil
            guard Int(contentBytes) <= SegmentHeader.largestContent else {
                throw ArchiveError(.tooLarge(bytes: Int(contentBytes)))
            }
            guard Int(payloadBytes) <= Zstd.largestPayload(of: Int(contentBytes)) else {
                throw ArchiveError(.tooLarge(bytes: Int(payloadBytes)))
            }
        }
    }
}

/// Whose changes an archive holds, and in which form. Stands in every segment's header.
public struct ArchiveDescription: Codable, Equatable, Sendable, Validated {
    public struct Publication: Codable, Hashable, Sendable {
        public var name: String
        public var oid: UInt32

        public init(name: String, oid: UInt32) {
            self.name = name
            self.oid = oid
        }
    }

    public var archive: ArchiveID
    /// The stream that was recorded.
    public var stream: String
    public var systemIdentifier: String
    public var timeline: UInt32
    public var database: String
    /// `server_version_num`.
    public var serverVersion: Int
    /// `server_encoding`.
    public var serverEncoding: String
    /// `client_encoding` of the recorder: in which the values are.
    public var encoding: String
    /// The settings that shape values, as the recorder's session had them.
    public var settings: [String: String]
    public var publications: [Publication]
    public var catalog: ArchivedCatalog

    public init(
        archive: ArchiveID, stream: String, systemIdentifier: String, timeline: UInt32,
        database: String, serverVersion: Int, serverEncoding: String, encoding: String,
        settings: [String: String], publications: [Publication], catalog: ArchivedCatalog
    ) {
        self.archive = archive
        self.stream = stream
        self.systemIdentifier = systemIdentifier
        self.timeline = timeline
        self.database = database
        self.serverVersion = serverVersion
        self.serverEncoding = serverEncoding
        self.encoding = encoding
        self.settings = settings
        self.publications = publications
        self.catalog = catalog
    }

    /// Whether the catalog is one.
    var isValid: Bool { catalog.isValid }

    /// Whether both are of the same source: what may differ between segments of one archive is
    /// the timeline, after a failover, and what an upgrade or DDL changes.
    public func isSameSource(as other: ArchiveDescription) -> Bool {
        systemIdentifier == other.systemIdentifier && database == other.database
    }
}
