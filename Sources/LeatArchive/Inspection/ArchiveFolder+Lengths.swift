extension ArchiveFolder {
    /// - Throws: `.missingSegment` if it is not there.
    func length(of segment: SegmentName) throws(ArchiveError) -> Int {
        guard let file = try File.openIfPresent(path(of: segment)) else {
            throw ArchiveError(.missingSegment(segment), in: segment)
        }
        return try file.length()
    }
}

extension FrameHeader {
    /// Of its magic number.
    static let firstByte = UInt8(truncatingIfNeeded: magic >> 24)
}
