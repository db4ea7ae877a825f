internal import Glibc
internal import Synchronization

/// An archive's folder, for reading: `segments/*.leat` and `position`.
///
/// Any number of processes may read while one writes.
public final class ArchiveFolder: ArchiveStorage {
    public let path: String
    /// The segment that was read last: a segment is read in many small pieces.
    private let last = Mutex<(name: SegmentName, file: File)?>(nil)

    public init(_ path: String) {
        self.path = path
    }

    public var segmentsPath: String { path + "/segments" }
    public var positionPath: String { path + "/position" }

    public func path(of segment: SegmentName) -> String {
        segmentsPath + "/" + segment.fileName
    }

    public func position() throws(ArchiveError) -> [UInt8]? {
        guard let file = try File.openIfPresent(positionPath) else { return nil }
        // More would be no position.
        return try file.read(at: 0, count: 4096)
    }

    public func segments() throws(ArchiveError) -> [SegmentName] {
        try File.names(in: segmentsPath).compactMap(SegmentName.init(fileName:)).sorted()
    }

    public func read(
        _ segment: SegmentName, at offset: Int, count: Int
    ) throws(ArchiveError) -> [UInt8] {
        try file(of: segment).read(at: offset, count: count)
    }

    private func file(of segment: SegmentName) throws(ArchiveError) -> File {
        if let last = last.withLock({ $0 }), last.name == segment { return last.file }
        guard let file = try File.openIfPresent(path(of: segment)) else {
            throw ArchiveError(.missingSegment(segment), in: segment)
        }
        last.withLock { $0 = (segment, file) }
        return file
    }
}
