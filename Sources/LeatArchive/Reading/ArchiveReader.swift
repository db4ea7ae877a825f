public import PGWire

/// Walks through an archive, frame by frame, and proves on the way that each follows the one
/// before it.
///
///     var reader = ArchiveReader(ArchiveFolder(path))
///     try reader.seek(after: stored)
///     while let item = try reader.next() { ... }   // nil: at the stored position
///     // A growing archive: wait a little, and call next() again.
///
/// The first item is the header of the segment that holds the position, then come the frames
/// from there on that matter: catalogs, and changes of which some end behind the position. A
/// frame's payload is checked against its checksum, not decoded: that is ``BatchDecoder``'s.
///
/// What a reader may count on:
/// - A frame that is handed out follows, without a gap, all that was handed out before.
/// - Nothing behind the file `position` is ever read.
/// - What is damaged, missing or foreign is an ``ArchiveError`` before anything of it is handed
///   out; what was handed out stays good. Calling again after an error gives the same error.
public struct ArchiveReader: Sendable {
    public enum Item: Sendable {
        /// The beginning of a segment.
        case segment(SegmentHeader)
        case frame(Frame)
    }

    private let storage: any ArchiveStorage
    /// As of the last look at the file.
    public private(set) var position: ArchivePosition
    /// What is looked for ends behind it.
    private var wanted: LSN
    private var segment: SegmentName
    /// Nil: its header is still to be read.
    private var offset: Int?
    /// Of the last frame that was walked over.
    public private(set) var link: FrameLink
    private var predecessor: SegmentName?
    private var isFirstSegment = true
    /// Frames are handed out without their payload, which is not read.
    public var readsHeadersOnly = false

    /// At the beginning of the archive.
    ///
    /// - Throws: `.noArchive`, `.damagedPosition`, `.file`.
    public init(_ storage: any ArchiveStorage) throws(ArchiveError) {
        self.storage = storage
        position = try storage.storedPosition()
        segment = position.beginning
        wanted = segment.first
        link = FrameLink(end: wanted, checksum: 0)
    }

    /// Goes to where the transactions begin that end after `position`.
    ///
    /// - Throws: `.beforeBeginning` if the archive does not reach back so far.
    public mutating func seek(after wanted: LSN) throws(ArchiveError) {
        position = try storage.storedPosition()
        guard wanted >= position.beginning.first else {
            throw ArchiveError(
                .beforeBeginning(wanted: wanted, beginning: position.beginning.first))
        }
        let names = try storage.segments().filter {
            $0 >= position.beginning && $0 <= position.segment
        }
        segment = names.last { $0.first <= wanted } ?? position.beginning
        self.wanted = wanted
        (offset, isFirstSegment) = (nil, true)
    }

    /// The next segment or frame; nil where the stored position is reached, for now.
    public mutating func next() throws(ArchiveError) -> Item? {
        while true {
            guard let offset else { return .segment(try openSegment()) }
            if segment == position.segment, offset >= position.length {
                guard try goesOn(at: offset) else { return nil }
                continue
            }
            guard let header = try frameHeader(at: offset) else {
                try closeSegment()
                continue
            }
            if let frame = try take(header, at: offset) { return .frame(frame) }
        }
    }

    // MARK: Segments

    private mutating func openSegment() throws(ArchiveError) -> SegmentHeader {
        let (header, length) = try storage.header(of: segment)
        guard header.description.archive == position.archive else {
            throw ArchiveError(
                .foreignSegment(header.description.archive), in: segment, at: 0)
        }
        if isFirstSegment {
            link = header.link
        } else {
            guard header.predecessor == predecessor, header.link == link else {
                throw ArchiveError(
                    .brokenChain(expected: link, found: header.link), in: segment, at: 0)
            }
        }
        (isFirstSegment, offset) = (false, length)
        return header
    }

    /// The one at work ends here: another goes on.
    private mutating func closeSegment() throws(ArchiveError) {
        guard segment < position.segment else {
            throw ArchiveError(.behindEnd("it ends at byte \(offset ?? 0)"), in: segment)
        }
        guard link.end > segment.first else {
            throw ArchiveError(.missingSegment(position.segment), in: segment)
        }
        predecessor = segment
        segment = SegmentName(link.end)
        offset = nil
    }

    /// At the end of what was stored when last looked: looks again.
    private mutating func goesOn(at offset: Int) throws(ArchiveError) -> Bool {
        guard offset == position.length, link == position.link else {
            throw ArchiveError(
                .brokenChain(expected: position.link, found: link), in: segment, at: offset)
        }
        let newest = try storage.storedPosition()
        guard newest.archive == position.archive, newest.end >= position.end,
            newest.segment >= position.segment
        else {
            throw ArchiveError(.behindEnd("it went back from \(position.end) to \(newest.end)"))
        }
        defer { position = newest }
        return newest.segment > position.segment || newest.length > position.length
    }

    // MARK: Frames

    /// Nil where the segment ends.
    private func frameHeader(at offset: Int) throws(ArchiveError) -> FrameHeader? {
        do throws(ArchiveError) {
            let bytes = try storage.read(segment, at: offset, count: FrameHeader.byteCount)
            if bytes.isEmpty { return nil }
            let header = try FrameHeader(decoding: bytes.span.bytes)
            guard header.previous == link else {
                throw ArchiveError(.brokenChain(expected: link, found: header.previous))
            }
            guard segment < position.segment || offset + header.frameBytes <= position.length
            else { throw ArchiveError(.behindEnd("a frame is longer than that")) }
            return header
        } catch {
            throw error.located(in: segment, at: offset)
        }
    }

    /// Nil for one that is before what is wanted.
    private mutating func take(
        _ header: FrameHeader, at offset: Int
    ) throws(ArchiveError) -> Frame? {
        var frame: Frame?
        if isWanted(header), readsHeadersOnly {
            frame = Frame(header: header, payload: [])
        } else if isWanted(header) {
            do { frame = try Frame(header, of: segment, in: storage, at: offset) } catch {
                throw error.located(in: segment, at: offset)
            }
        }
        link = header.link
        self.offset = offset + header.frameBytes
        return frame
    }

    private func isWanted(_ header: FrameHeader) -> Bool {
        guard header.kind == .changes, header.endLSN <= wanted else { return true }
        // What it ends within may be wanted. Where it is all there is, its commit record tells.
        return header.endsWithin && (header.transactions > 0 || header.firstLSN >= wanted)
    }
}
