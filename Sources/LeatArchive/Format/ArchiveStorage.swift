/// Where the bytes of an archive are: a folder, or the memory of a test.
public protocol ArchiveStorage: Sendable {
    /// The file `position`; nil if there is none.
    func position() throws(ArchiveError) -> [UInt8]?
    /// In their order.
    func segments() throws(ArchiveError) -> [SegmentName]
    /// Bytes of a segment; fewer than `count` only where it ends.
    ///
    /// - Throws: ``ArchiveError/Code/missingSegment(_:)`` if it is not there.
    func read(
        _ segment: SegmentName, at offset: Int, count: Int
    ) throws(ArchiveError) -> [UInt8]
}

extension ArchiveStorage {
    /// - Throws: `.noArchive` if there is none, `.damagedPosition`.
    public func storedPosition() throws(ArchiveError) -> ArchivePosition {
        guard let bytes = try position() else { throw ArchiveError(.noArchive) }
        return try ArchivePosition(decoding: bytes)
    }

    /// The header of a segment, checked, and its length.
    public func header(
        of segment: SegmentName
    ) throws(ArchiveError) -> (header: SegmentHeader, length: Int) {
        do throws(ArchiveError) {
            let fixed = try read(segment, at: 0, count: SegmentHeader.byteCount)
            let length = try SegmentHeader.length(of: fixed.span.bytes)
            let bytes = try read(segment, at: 0, count: length)
            let header = try SegmentHeader(decoding: bytes.span.bytes)
            guard header.name == segment else { throw ArchiveError(.misnamed(header.first)) }
            return (header, length)
        } catch {
            throw error.located(in: segment, at: 0)
        }
    }
}
