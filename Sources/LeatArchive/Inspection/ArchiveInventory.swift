public import LeatCore
public import PGWire

/// What an archive holds, as its headers tell; no content is read.
public struct ArchiveInventory: Sendable {
    public struct Segment: Sendable {
        public var name: SegmentName
        /// The end of its last frame.
        public var end: LSN
        public var bytes: Int
        public var frames = 0
        public var transactions = 0
        public var changes = 0
        public var contentBytes = 0
        /// Of the first and last commits in it; nil without any.
        public var firstCommit: PostgresTimestamp?
        public var lastCommit: PostgresTimestamp?
    }

    public var position: ArchivePosition
    /// As the newest segment has it.
    public var description: ArchiveDescription
    public var segments: [Segment]
    public var bases: [BaseManifest]
    public var readers: [ArchiveReaders.Reader]
    /// `partition: change` of what happened to partitions since the newest base and was not sent.
    public var partitionChanges: [String]
    /// From where on rows may be others than the source's.
    public var doubts: [ArchiveDoubt]

    /// - Throws: ``ArchiveError``, also for a chain that is broken.
    public init(_ folder: ArchiveFolder) throws(ArchiveError) {
        var reader = try ArchiveReader(folder)
        position = reader.position
        description = try folder.header(of: position.segment).header.description
        bases = try folder.bases()
        readers = try ArchiveReaders(folder.path).all()
        partitionChanges = try PartitionsFile.read(folder)?.book.changes ?? []
        doubts = try folder.doubts()
        segments = []
        reader.readsHeadersOnly = true
        while let item = try reader.next() {
            switch item {
            case .segment(let header):
                let length = try folder.length(of: header.name)
                let bytes =
                    header.name == reader.position.segment ? reader.position.length : length
                segments.append(Segment(name: header.name, end: header.first, bytes: bytes))
            case .frame(let frame):
                segments[segments.count - 1].add(frame.header)
            }
        }
        position = reader.position
    }
}

extension ArchiveInventory.Segment {
    fileprivate mutating func add(_ header: FrameHeader) {
        frames += 1
        end = header.endLSN
        contentBytes += Int(header.contentBytes)
        guard header.kind == .changes else { return }
        transactions += Int(header.transactions)
        changes += Int(header.changes)
        if firstCommit == nil { firstCommit = header.firstCommitTime }
        lastCommit = header.lastCommitTime
    }
}
