public import PGWire

/// What the file `position` says: how far the archive is stored, and where the writing goes on.
///
/// It is replaced as a whole, after what it speaks of is on disk. What stands in the segments
/// behind it is not there: a crash left it, and the next writer cuts it off.
///
///     leat-position 1
///     archive 5d41402abc4b2a76
///     end 0/1A2B3C8
///     segment 0000000001A00000
///     length 123456
///     checksum 0a1b2c3d
///     frame 0/1A2B3C8
///     beginning 0000000000F00000
///     crc32c 89abcdef
public struct ArchivePosition: Equatable, Sendable {
    public var archive: ArchiveID
    /// Every transaction that ends at or before it is in the archive, or is none of the stream's.
    public var end: LSN
    /// The newest segment.
    public var segment: SegmentName
    /// How much of it counts.
    public var length: Int
    /// The last frame that counts.
    public var link: FrameLink
    /// The oldest segment: those before it were removed on purpose.
    public var beginning: SegmentName

    public init(
        archive: ArchiveID, end: LSN, segment: SegmentName, length: Int, link: FrameLink,
        beginning: SegmentName
    ) {
        self.archive = archive
        self.end = end
        self.segment = segment
        self.length = length
        self.link = link
        self.beginning = beginning
    }

    private static let title = "leat-position 1"

    public func encoded() -> [UInt8] {
        let lines = """
            \(ArchivePosition.title)
            archive \(archive)
            end \(end)
            segment \(segment.fileName.dropLast(5))
            length \(length)
            checksum \(link.checksumText)
            frame \(link.end)
            beginning \(beginning.fileName.dropLast(5))

            """
        let bytes = Array(lines.utf8)
        let checksum = FrameLink(end: end, checksum: Checksum.crc32c(bytes.span.bytes))
        return bytes + Array("crc32c \(checksum.checksumText)\n".utf8)
    }

    public init(decoding bytes: [UInt8]) throws(ArchiveError) {
        guard let position = ArchivePosition(bytes) else { throw ArchiveError(.damagedPosition) }
        self = position
    }

    private init?(_ bytes: [UInt8]) {
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 10, lines[0] == ArchivePosition.title else { return nil }
        let keys = ["archive", "end", "segment", "length", "checksum", "frame", "beginning"]
        var values: [Substring] = []
        for (line, key) in zip(lines.dropFirst(), keys) {
            guard line.hasPrefix(key + " ") else { return nil }
            values.append(line.dropFirst(key.count + 1))
        }
        guard let archive = ArchiveID(values[0]), let end = LSN(String(values[1])),
            let segment = SegmentName(fileName: values[2] + ".leat"),
            let length = Int(values[3]), length >= 0,
            let checksum = UInt32(values[4], radix: 16), let frame = LSN(String(values[5])),
            let beginning = SegmentName(fileName: values[6] + ".leat")
        else { return nil }
        self.init(
            archive: archive, end: end, segment: segment, length: length,
            link: FrameLink(end: frame, checksum: checksum), beginning: beginning)
        // The checksum with all else: one text for one position.
        guard encoded() == bytes else { return nil }
    }
}
