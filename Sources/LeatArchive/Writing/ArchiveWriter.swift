internal import Glibc
public import PGWire

/// Writes an archive's segments and its position.
///
/// What a crash after each step leaves, of a batch that is taken and stored:
///
/// 1. Frames are appended to the newest segment: bytes behind the position. The next writer cuts
///    them off; readers stop before them.
/// 2. `fdatasync` of the segment: the same.
/// 3. `position.new` is written and synchronised: a file that the next writer replaces.
/// 4. It is renamed to `position`, and the folder synchronised: the old position or the new one.
///    Both are true, and what they speak of is on disk.
/// 5. ``store(_:)`` returns, and the position is confirmed to the source: one that was stored and
///    not confirmed is ahead of the slot, as with any sink.
///
/// Where a new segment begins, the old one is synchronised first, then the new one's header and
/// the folder. A crash leaves a segment behind the position, which the next writer removes.
///
/// Only where a frame ends between transactions can be gone on from, for a source sends the rest
/// of a transaction to nobody: a large one of which only pieces are written is cut off too.
///
/// After an error the writer is not to be used again: what the disk holds is found out anew by
/// the next one. For one thread at a time; there is one in all processes (``WriterLock``).
public final class ArchiveWriter {
    /// Where the writing can go on.
    private struct Boundary {
        var segment: SegmentName
        var length: Int
        var link: FrameLink
    }

    /// A segment is closed when it is longer.
    public static let segmentBytes = 64 << 20

    private let folder: ArchiveFolder
    private let lock: WriterLock
    private let segmentBytes: Int
    private let level: Int32
    private var encoder: FrameEncoder
    /// For the headers of new segments.
    private var description: ArchiveDescription
    private var file: File
    private var segment: SegmentName
    private var length: Int
    private var boundary: Boundary
    private var isSynchronised = true
    public private(set) var position: ArchivePosition
    /// Into segments, since it began; what was cut off counts too.
    public private(set) var appendedBytes = 0
    /// Told of each step, for tests that end the process there.
    private let passed: (Step) -> Void

    public enum Step: Sendable {
        case appended, synchronised, segmentMade, positionWritten
    }

    // MARK: Beginning

    /// Begins an archive, in place of what a beginning that was broken off has left.
    public static func begin(
        in folder: ArchiveFolder, under lock: WriterLock, at start: LSN,
        describing description: ArchiveDescription
    ) throws(ArchiveError) {
        try File.remove(folder.positionPath)
        for name in try folder.segments() { try File.remove(folder.path(of: name)) }
        let header = SegmentHeader(
            first: start, predecessor: nil, previousChecksum: 0, description: description)
        let length = try make(header, in: folder).1
        let position = ArchivePosition(
            archive: description.archive, end: start, segment: header.name, length: length,
            link: header.link, beginning: header.name)
        try File.replace(folder.positionPath, with: position.encoded())
    }

    /// Goes on where an archive was stored last.
    ///
    /// - Parameter description: For new segments; nil: as the newest one's header has it.
    /// - Throws: ``ArchiveError`` if the newest segment is not what the position says.
    public init(
        in folder: ArchiveFolder, under lock: WriterLock,
        describing description: ArchiveDescription? = nil,
        level: Int32 = 1, segmentBytes: Int = ArchiveWriter.segmentBytes,
        passed: @escaping (Step) -> Void = { _ in }
    ) throws(ArchiveError) {
        self.folder = folder
        self.lock = lock
        self.segmentBytes = segmentBytes
        self.level = level
        self.passed = passed
        let position = try ArchiveRecovery(folder).run()
        self.position = position
        let newest = try folder.header(of: position.segment).header.description
        var given = description ?? newest
        given.archive = newest.archive
        self.description = given
        file = try File(folder.path(of: position.segment), flags: O_WRONLY)
        segment = position.segment
        length = position.length
        boundary = Boundary(segment: segment, length: length, link: position.link)
        encoder = FrameEncoder(following: position.link, level: level)
    }

    private static func make(
        _ header: SegmentHeader, in folder: ArchiveFolder
    ) throws(ArchiveError) -> (File, Int) {
        let file = try File.create(folder.path(of: header.name))
        let bytes = header.encoded()
        try file.write(bytes, at: 0)
        try file.synchronise()
        try File.synchronise(folder: folder.segmentsPath)
        return (file, bytes.count)
    }

    // MARK: Taking

    /// A transaction of which only pieces were taken is open.
    public var isWithinTransaction: Bool { encoder.isWithinTransaction }

    /// Takes a batch. Nothing of it is stored yet.
    public func append(_ batch: Batch) throws(ArchiveError) {
        // As messages, as content, and compressed.
        try Memory.require(3 * batch.byteCount)
        try write(encoder.append(batch))
    }

    /// What the catalog is from here on.
    public func append(_ catalog: ArchivedCatalog) throws(ArchiveError) {
        try write(encoder.finish())
        try write([encoder.catalog(catalog)])
        description.catalog = catalog
    }

    private func write(_ frames: [FrameEncoder.Encoded]) throws(ArchiveError) {
        for frame in frames {
            if length >= segmentBytes, boundary.length == length { try roll() }
            try file.write(frame.bytes, at: length)
            length += frame.bytes.count
            appendedBytes += frame.bytes.count
            isSynchronised = false
            if !frame.header.endsWithin {
                boundary = Boundary(segment: segment, length: length, link: frame.header.link)
            }
            passed(.appended)
        }
    }

    /// Closes the segment and begins another.
    private func roll() throws(ArchiveError) {
        // Two segments would have one name: nothing has ended in this one.
        guard boundary.link.end > segment.first else { return }
        try synchronise()
        let header = SegmentHeader(
            first: boundary.link.end, predecessor: segment,
            previousChecksum: boundary.link.checksum, description: description)
        (file, length) = try ArchiveWriter.make(header, in: folder)
        segment = header.name
        boundary = Boundary(segment: segment, length: length, link: header.link)
        passed(.segmentMade)
    }

    // MARK: Storing

    /// Makes durable what was taken, together with the position `wanted`, or with the end of what
    /// was taken if that is beyond it.
    ///
    /// - Returns: The position that is stored now. Before the end of a transaction of which only
    ///   pieces were taken.
    public func store(_ wanted: LSN) throws(ArchiveError) -> LSN {
        // Pieces stay behind the position whether they are in a frame yet or not.
        if !encoder.isWithinTransaction { try write(encoder.finish()) }
        let end = encoder.isWithinTransaction ? boundary.link.end : max(wanted, boundary.link.end)
        guard end > position.end || boundary.link != position.link else { return position.end }
        try synchronise()
        var stored = position
        stored.end = max(end, position.end)
        (stored.segment, stored.length) = (boundary.segment, boundary.length)
        stored.link = boundary.link
        try replace(stored)
        return stored.end
    }

    private func synchronise() throws(ArchiveError) {
        guard !isSynchronised else { return }
        try file.synchroniseData()
        isSynchronised = true
        passed(.synchronised)
    }

    private func replace(_ stored: ArchivePosition) throws(ArchiveError) {
        try File.replace(folder.positionPath, with: stored.encoded())
        position = stored
        passed(.positionWritten)
    }

    /// Drops a transaction of which only pieces were taken.
    public func rollBack() throws(ArchiveError) {
        guard encoder.isWithinTransaction else { return }
        try file.truncate(to: boundary.length)
        length = boundary.length
        encoder = FrameEncoder(following: boundary.link, level: level)
    }

    // MARK: Removing

    /// Closes a segment that is long enough, although nothing follows yet: closed, it can be
    /// removed.
    ///
    /// - Precondition: All that was taken is stored.
    public func closeSegment() throws(ArchiveError) {
        guard length >= segmentBytes, boundary.link == position.link,
            segment == position.segment, boundary.length == length
        else { return }
        try roll()
        var stored = position
        (stored.segment, stored.length) = (boundary.segment, boundary.length)
        stored.link = boundary.link
        try replace(stored)
    }

    /// Removes the segments before `beginning`.
    ///
    /// The position says so first: a crash leaves segments that nobody counts any more.
    public func prune(before beginning: SegmentName) throws(ArchiveError) {
        guard beginning > position.beginning, beginning <= position.segment else { return }
        var stored = position
        stored.beginning = beginning
        try replace(stored)
        for name in try folder.segments() where name < beginning {
            try File.remove(folder.path(of: name))
        }
        try File.synchronise(folder: folder.segmentsPath)
    }
}
