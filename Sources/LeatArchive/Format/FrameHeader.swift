public import PGWire

/// Where a frame ended, and the checksum of its header: what the next frame repeats, so that
/// neither can be taken away, changed places, or come from another archive unnoticed.
public struct FrameLink: Hashable, Sendable {
    public var end: LSN
    public var checksum: UInt32

    /// - Parameters:
    ///   - end: Before the first frame of an archive: where the archive begins.
    ///   - checksum: Before the first frame of an archive: 0.
    public init(end: LSN, checksum: UInt32) {
        self.end = end
        self.checksum = checksum
    }

    /// Eight hexadecimal digits.
    public var checksumText: String {
        let digits = String(checksum, radix: 16)
        return String(repeating: "0", count: 8 - digits.utf8.count) + digits
    }
}

/// What stands before the payload of a frame. `Docs/reference/archive-format.md` has the layout.
public struct FrameHeader: Hashable, Sendable {
    public enum Kind: UInt8, Sendable {
        /// Messages of the stream.
        case changes = 1
        /// What the source's catalog said from here on: ``ArchivedCatalog`` as JSON.
        case catalog = 2
    }

    public var kind: Kind
    /// Its first change belongs to a transaction that an earlier frame began.
    public var beginsWithin = false
    /// The last transaction goes on in the next frame.
    public var endsWithin = false
    public var payloadBytes: UInt32
    /// Before compression.
    public var contentBytes: UInt32
    public var previous: FrameLink
    /// Transactions that end in it.
    public var transactions: UInt32
    public var changes: UInt32
    /// Start of the commit record of its first transaction.
    public var firstLSN: LSN
    /// The end of the last transaction that is whole by now: the position once the frame is
    /// stored. A frame in which none ends keeps its predecessor's.
    public var endLSN: LSN
    public var firstCommitTime: PostgresTimestamp
    public var lastCommitTime: PostgresTimestamp
    public var payloadChecksum: UInt32
    /// Of all fields before it, ``payloadChecksum`` included.
    public internal(set) var checksum: UInt32 = 0

    /// Of a header.
    public static let byteCount = 76
    static let magic: UInt32 = 0x4C46_524D  // LFRM
    /// No message of PostgreSQL is longer than 1 GiB; a frame whose content is longer than
    /// ``largestShared`` holds one change.
    static let largestContent = 1_342_177_280
    static let largestShared = 16 << 20

    public var link: FrameLink { FrameLink(end: endLSN, checksum: checksum) }
    /// Of header and payload.
    public var frameBytes: Int { FrameHeader.byteCount + Int(payloadBytes) }

    init(kind: Kind, previous: FrameLink) {
        self.kind = kind
        self.previous = previous
        (payloadBytes, contentBytes, transactions, changes, payloadChecksum) = (0, 0, 0, 0, 0)
        (firstLSN, endLSN) = (previous.end, previous.end)
        firstCommitTime = PostgresTimestamp(rawValue: 0)
        lastCommitTime = PostgresTimestamp(rawValue: 0)
    }

    // MARK: Bytes

    /// The header's bytes; sets ``checksum``.
    mutating func encode() -> [UInt8] {
        var writer = FieldWriter()
        writer.integer(FrameHeader.magic)
        writer.integer(kind.rawValue)
        writer.integer(UInt8((beginsWithin ? 1 : 0) | (endsWithin ? 2 : 0)))
        writer.integer(UInt16(0))
        writer.integer(payloadBytes)
        writer.integer(contentBytes)
        writer.lsn(previous.end)
        writer.integer(previous.checksum)
        writer.integer(transactions)
        writer.integer(changes)
        writer.lsn(firstLSN)
        writer.lsn(endLSN)
        writer.timestamp(firstCommitTime)
        writer.timestamp(lastCommitTime)
        writer.integer(payloadChecksum)
        checksum = Checksum.crc32c(writer.bytes.span.bytes)
        writer.integer(checksum)
        return writer.bytes
    }

    /// Decodes and checks a header at the beginning of `bytes`.
    public init(decoding bytes: RawSpan) throws(ArchiveError) {
        guard bytes.byteCount >= FrameHeader.byteCount else {
            throw ArchiveError(
                .truncated(needed: FrameHeader.byteCount, available: bytes.byteCount))
        }
        var reader = FieldReader(bytes)
        guard reader.integer() == FrameHeader.magic else { throw ArchiveError(.notAFrame) }
        let (kindByte, flags): (UInt8, UInt8) = (reader.integer(), reader.integer())
        let reserved: UInt16 = reader.integer()
        (payloadBytes, contentBytes) = (reader.integer(), reader.integer())
        previous = FrameLink(end: reader.lsn(), checksum: reader.integer())
        (transactions, changes) = (reader.integer(), reader.integer())
        (firstLSN, endLSN) = (reader.lsn(), reader.lsn())
        (firstCommitTime, lastCommitTime) = (reader.timestamp(), reader.timestamp())
        (payloadChecksum, checksum) = (reader.integer(), reader.integer())
        guard Checksum.crc32c(bytes.extracting(first: FrameHeader.byteCount - 4)) == checksum
        else { throw ArchiveError(.damagedHeader) }

        guard let kind = Kind(rawValue: kindByte), flags & ~3 == 0, reserved == 0 else {
            throw ArchiveError(.invalid("kind or flags of a frame"))
        }
        self.kind = kind
        (beginsWithin, endsWithin) = (flags & 1 != 0, flags & 2 != 0)
        try checkFields()
    }

    private func checkFields() throws(ArchiveError) {
        let content = Int(contentBytes)
        let isShared = kind == .catalog || changes != 1
        guard content <= (isShared ? FrameHeader.largestShared : FrameHeader.largestContent) else {
            throw ArchiveError(.tooLarge(bytes: content))
        }
        guard Int(payloadBytes) <= Zstd.largestPayload(of: content) else {
            throw ArchiveError(.tooLarge(bytes: Int(payloadBytes)))
        }
        guard endLSN >= previous.end else {
            throw ArchiveError(.invalid("end of a frame, before that of its predecessor"))
        }
    }

    /// Whether these are the bytes that the header speaks of.
    public func checkPayload(_ payload: RawSpan) throws(ArchiveError) {
        guard payload.byteCount == Int(payloadBytes) else {
            throw ArchiveError(
                .truncated(needed: Int(payloadBytes), available: payload.byteCount))
        }
        guard Checksum.crc32c(payload) == payloadChecksum else {
            throw ArchiveError(.damagedPayload)
        }
    }

    /// Whether it is not to be held as a whole.
    var isLarge: Bool { Int(contentBytes) > FrameHeader.largestShared }
}

/// A frame as it stands in a segment, its checksums verified.
public struct Frame: Sendable {
    public var header: FrameHeader
    /// Compressed. Of a large frame nothing: it is read when it is decoded.
    public var payload: [UInt8]
    private var stored: Payload?

    public init(header: FrameHeader, payload: [UInt8]) {
        self.header = header
        self.payload = payload
    }

    /// Reads a frame's payload and checks it.
    ///
    /// - Parameter offset: Where the frame begins.
    init(
        _ header: FrameHeader, of segment: SegmentName, in storage: any ArchiveStorage,
        at offset: Int
    ) throws(ArchiveError) {
        let start = offset + FrameHeader.byteCount
        self.header = header
        guard header.isLarge else {
            payload = try storage.read(segment, at: start, count: Int(header.payloadBytes))
            try header.checkPayload(payload.span.bytes)
            return
        }
        let stored = Payload(
            count: Int(header.payloadBytes),
            bytes: { (offset, count) throws(ArchiveError) in
                try storage.read(segment, at: start + offset, count: count)
            })
        try stored.check(header)
        (payload, self.stored) = ([], stored)
    }

    /// Whether its content is not held as a whole.
    public var isLarge: Bool { header.isLarge }

    /// Where the payload is.
    var source: Payload {
        let held = payload
        return stored
            ?? Payload(
                count: held.count,
                bytes: { (offset, count) throws(ArchiveError) in
                    Array(held[offset..<offset + count])
                })
    }

    /// A payload that need not be in memory.
    struct Payload: Sendable {
        let count: Int
        fileprivate let bytes: @Sendable (Int, Int) throws(ArchiveError) -> [UInt8]

        private static let pieceBytes = 1 << 20

        /// Fewer than `count` only at the end.
        func read(at offset: Int, count: Int) throws(ArchiveError) -> [UInt8] {
            try bytes(offset, min(count, self.count - offset))
        }

        fileprivate func check(_ header: FrameHeader) throws(ArchiveError) {
            var (offset, checksum) = (0, UInt32(0))
            while offset < count {
                let piece = try read(at: offset, count: Payload.pieceBytes)
                guard !piece.isEmpty else {
                    throw ArchiveError(.truncated(needed: count, available: offset))
                }
                checksum = Checksum.crc32c(piece.span.bytes, continuing: checksum)
                offset += piece.count
            }
            guard checksum == header.payloadChecksum else {
                throw ArchiveError(.damagedPayload)
            }
        }
    }
}
