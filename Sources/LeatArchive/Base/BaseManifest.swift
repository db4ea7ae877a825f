internal import Foundation
internal import Glibc
public import PGWire

/// The file `base/<S>/manifest.json`: a copy of the tables as they were at S, the consistent point
/// of a slot. It is written last: a base without one is not finished, and counts for nothing.
///
/// The changes that end behind S, in the segments, go on from it. The file is one JSON object,
/// `{"manifest":…,"crc32c":"89abcdef"}`: the checksum is of the bytes of the first member's value.
public struct BaseManifest: Codable, Sendable {
    public struct Table: Codable, Sendable {
        public var oid: UInt32
        public var schema: String
        public var name: String
        /// In the order of the rows' columns.
        public var columns: [String]
        public var rows: Int
        /// Of the text, before compression.
        public var bytes: Int
        /// Beside the manifest: rows as COPY writes them in text form, compressed with zstd.
        public var file: String
        /// CRC-32C of the file. zstd's own checksum is of the text.
        public var crc32c: UInt32

        public init(
            oid: UInt32, schema: String, name: String, columns: [String], rows: Int, bytes: Int,
            file: String, crc32c: UInt32
        ) {
            self.oid = oid
            self.schema = schema
            self.name = name
            self.columns = columns
            self.rows = rows
            self.bytes = bytes
            self.file = file
            self.crc32c = crc32c
        }
    }

    public struct Sequence: Codable, Sendable {
        public var schema: String
        public var name: String
        public var lastValue: String
        public var isCalled: Bool

        public init(schema: String, name: String, lastValue: String, isCalled: Bool) {
            self.schema = schema
            self.name = name
            self.lastValue = lastValue
            self.isCalled = isCalled
        }
    }

    /// S, as text.
    public var point: String
    /// As in the headers of segments, at S.
    public var description: ArchiveDescription
    public var tables: [Table]
    /// As they stood when the base was made: they have no snapshot.
    public var sequences: [Sequence]
    /// The schema, as `pg_dump --schema-only` writes it at the same snapshot; none: left out.
    public var schemaFile: String?
    /// CRC-32C of that file.
    public var schemaChecksum: UInt32?
    /// Seconds since 1970.
    public var finishedAt: Int

    public init(
        point: LSN, description: ArchiveDescription, tables: [Table], sequences: [Sequence],
        schema: (file: String, checksum: UInt32)?, finishedAt: Int
    ) {
        self.point = point.description
        self.description = description
        self.tables = tables
        self.sequences = sequences
        schemaFile = schema?.file
        schemaChecksum = schema?.checksum
        self.finishedAt = finishedAt
    }

    public var lsn: LSN { LSN(point) ?? .zero }

    // MARK: Bytes

    private static let opening = Array(#"{"manifest":"#.utf8)

    private static func closing(_ content: [UInt8]) -> [UInt8] {
        let link = FrameLink(end: .zero, checksum: Checksum.crc32c(content.span.bytes))
        return Array("\(#","crc32c":""#)\(link.checksumText)\(#""}"#)\n".utf8)
    }

    func encoded() -> [UInt8] {
        let content = JSONContent.encode(self)
        return BaseManifest.opening + content + BaseManifest.closing(content)
    }

    /// - Throws: `.invalid` if the bytes are not those that were written.
    init(decoding bytes: [UInt8], of point: LSN) throws(ArchiveError) {
        let what = "manifest of base \(point)"
        let content = Array(
            bytes.dropFirst(BaseManifest.opening.count)
                .dropLast(BaseManifest.closing([]).count))
        guard bytes == BaseManifest.opening + content + BaseManifest.closing(content) else {
            throw ArchiveError(.invalid(what))
        }
        self = try JSONContent.decode(BaseManifest.self, content, what)
        guard lsn == point else { throw ArchiveError(.invalid(what)) }
    }
}

extension ArchiveFolder {
    public func basePath(_ point: LSN) -> String {
        path + "/base/" + SegmentName(point).fileName.dropLast(5)
    }

    /// The finished bases, oldest first.
    ///
    /// - Throws: `.invalid` if a manifest cannot be read.
    public func bases() throws(ArchiveError) -> [BaseManifest] {
        var found: [BaseManifest] = []
        for (point, isFinished) in try basePoints() where isFinished {
            let file = try File(basePath(point) + "/manifest.json", O_RDONLY)
            let bytes = try file.read(at: 0, count: try file.length())
            found.append(try BaseManifest(decoding: bytes, of: point))
        }
        return found
    }

    private func basePoints() throws(ArchiveError) -> [(point: LSN, isFinished: Bool)] {
        try File.names(in: path + "/base")
            .compactMap { SegmentName(fileName: $0 + ".leat")?.first }.sorted()
            .map { ($0, access(basePath($0) + "/manifest.json", F_OK) == 0) }
    }

    /// Makes the folder of a base, empty.
    public func beginBase(_ point: LSN, _ lock: WriterLock) throws(ArchiveError) {
        try? FileManager.default.removeItem(atPath: basePath(point))
        try File.makeFolder(basePath(point))
    }

    /// Removes what bases that were broken off have left.
    public func removeUnfinishedBases(_ lock: WriterLock) throws(ArchiveError) {
        for (point, isFinished) in try basePoints() where !isFinished { try removeBase(point) }
    }

    /// Removes the finished bases before `beginning`, whose changes are gone.
    public func removeBases(before beginning: LSN) throws(ArchiveError) {
        for (point, isFinished) in try basePoints() where isFinished && point < beginning {
            try removeBase(point)
        }
    }

    private func removeBase(_ point: LSN) throws(ArchiveError) {
        // The manifest first: what is left without one counts for nothing.
        try File.remove(basePath(point) + "/manifest.json")
        try? FileManager.default.removeItem(atPath: basePath(point))
    }

    /// Writes the manifest: the base is finished, and on disk, when it returns.
    public func finishBase(
        _ manifest: BaseManifest, _ lock: WriterLock
    ) throws(ArchiveError) {
        try File.replace(basePath(manifest.lsn) + "/manifest.json", with: manifest.encoded())
    }

    /// Puts a file beside the manifest, on disk when it returns.
    ///
    /// - Returns: Its CRC-32C.
    public func writeBaseFile(
        _ name: String, _ bytes: [UInt8], of point: LSN
    ) throws(ArchiveError) -> UInt32 {
        try File.replace(basePath(point) + "/" + name, with: bytes)
        return Checksum.crc32c(bytes.span.bytes)
    }

    /// A base's schema; nil if it holds none.
    ///
    /// - Throws: `.damagedBase` if it is not what was written.
    public func schema(of base: BaseManifest) throws(ArchiveError) -> [UInt8]? {
        guard let name = base.schemaFile else { return nil }
        let path = basePath(base.lsn) + "/" + name
        guard let file = try File.openIfPresent(path) else {
            throw ArchiveError(.damagedBase(file: name, base.lsn, "missing"))
        }
        let bytes = try file.read(at: 0, count: try file.length())
        guard Checksum.crc32c(bytes.span.bytes) == base.schemaChecksum else {
            throw ArchiveError(.damagedBase(file: name, base.lsn, "another checksum"))
        }
        return bytes
    }
}
