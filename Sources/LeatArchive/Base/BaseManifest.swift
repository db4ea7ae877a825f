internal import Foundation
public import PGWire

/// The file `base/<S>/manifest.json`: a copy of the tables as they were at S, the consistent point
/// of a slot. It is written last: a base without one is not finished, and counts for nothing.
///
/// The changes that end behind S, in the segments, go on from it. The file is one JSON object,
/// `{"manifest":…,"crc32c":"89abcdef"}`: the checksum is of the bytes of the first member's value.
public struct BaseManifest: Codable, Sendable, Validated {
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
        /// What the source's catalog said of the table in the base's snapshot: see
        /// ``DefinitionsFile``. None in a base of an earlier version.
        public var definition: [String]?

        public init(
            oid: UInt32, schema: String, name: String, columns: [String], rows: Int, bytes: Int,
            file: String, crc32c: UInt32, definition: [String]? = nil
        ) {
            self.oid = oid
            self.schema = schema
            self.name = name
            self.columns = columns
            self.rows = rows
            self.bytes = bytes
            self.file = file
            self.crc32c = crc32c
            self.definition = definition
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

    static let name = "manifest.json"
    /// More would be none of ours.
    static let mostBytes = 256 << 20
    static let mostSchemaBytes = 1 << 30

    /// Files beside the manifest.
    var files: [String] { tables.map(\.file) + [schemaFile].compactMap(\.self) }

    /// What a file of it may be long, and all that it counts together: sums of less fit.
    private static let most = 1 << 60

    /// Names of files are plain, and no number is one that nothing can have.
    var isValid: Bool {
        let names = files
        guard names.allSatisfy(PlainName.isValid), Set(names).count == names.count,
            !names.contains(BaseManifest.name), description.isValid,
            (0...File.latestTime).contains(finishedAt)
        else { return false }
        var (rows, bytes) = (0, 0)
        for table in tables {
            guard (0...BaseManifest.most).contains(table.rows),
                (0...BaseManifest.most).contains(table.bytes)
            else { return false }
            (rows, bytes) = (rows + table.rows, bytes + table.bytes)
            guard rows <= BaseManifest.most, bytes <= BaseManifest.most else { return false }
        }
        return true
    }

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
        self = try JSONContent.decode(BaseManifest.self, from: content, what: what)
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
        for (point, bytes) in try manifests() {
            found.append(try BaseManifest(decoding: bytes, of: point))
        }
        return found
    }

    /// As they are, oldest first.
    func manifests() throws(ArchiveError) -> [(point: LSN, bytes: [UInt8])] {
        var found: [(LSN, [UInt8])] = []
        for point in try basePoints() {
            if let bytes = try manifest(point) { found.append((point, bytes)) }
        }
        return found
    }

    /// Nil if there is none: the base is not finished.
    func manifest(_ point: LSN) throws(ArchiveError) -> [UInt8]? {
        _ = try File.names(in: basePath(point))
        return try File.openIfPresent("\(basePath(point))/\(BaseManifest.name)")?
            .readWhole(most: BaseManifest.mostBytes)
    }

    private func basePoints() throws(ArchiveError) -> [LSN] {
        try File.names(in: path + "/base")
            .compactMap { SegmentName(fileName: $0 + ".leat")?.first }.sorted()
    }

    /// Makes the folder of a base, empty.
    public func beginBase(at point: LSN, under lock: WriterLock) throws(ArchiveError) {
        try? FileManager.default.removeItem(atPath: basePath(point))
        try File.makeFolder(basePath(point))
    }

    /// Removes what bases that were broken off have left. One that was finished has lost its
    /// manifest: somebody may have it.
    public func removeUnfinishedBases(_ lock: WriterLock) throws(ArchiveError) {
        let finished = Set(try InventoryFile.read(self)?.bases.map(\.lsn) ?? [])
        for point in try basePoints() where !finished.contains(point) {
            if try manifest(point) == nil { try removeBase(point) }
        }
    }

    /// Removes the finished bases before `beginning`, whose changes are gone.
    public func removeBases(before beginning: LSN) throws(ArchiveError) {
        let old = try basePoints().filter { $0 < beginning }
        guard !old.isEmpty else { return }
        try InventoryFile.change(in: self) { inventory in
            inventory.bases.removeAll { $0.lsn < beginning }
        }
        for point in old { try removeBase(point) }
    }

    private func removeBase(_ point: LSN) throws(ArchiveError) {
        // The manifest first: what is left without one counts for nothing.
        try File.remove("\(basePath(point))/\(BaseManifest.name)")
        try? FileManager.default.removeItem(atPath: basePath(point))
    }

    /// Writes the manifest: the base is finished, and on disk, when it returns.
    public func finishBase(
        _ manifest: BaseManifest, under lock: WriterLock
    ) throws(ArchiveError) {
        let (point, bytes) = (manifest.lsn, manifest.encoded())
        try File.replace("\(basePath(point))/\(BaseManifest.name)", with: bytes)
        try InventoryFile.change(in: self) { inventory in
            inventory.bases.removeAll { $0.lsn == point }
            inventory.bases.append(.init(of: point, from: bytes))
        }
    }

    /// Puts a file beside the manifest, on disk when it returns.
    ///
    /// - Returns: Its CRC-32C.
    public func writeBaseFile(
        _ name: String, holding bytes: [UInt8], of point: LSN
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
        let bytes = try file.readWhole(most: BaseManifest.mostSchemaBytes)
        guard Checksum.crc32c(bytes.span.bytes) == base.schemaChecksum else {
            throw ArchiveError(.damagedBase(file: name, base.lsn, "another checksum"))
        }
        return bytes
    }
}
