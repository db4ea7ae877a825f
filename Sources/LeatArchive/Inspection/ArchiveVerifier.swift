public import LeatCore
public import PGWire

/// Proves that an archive is whole, and finds every place where it is not.
///
/// Every byte stands under a checksum, and every frame repeats what came before it. Where a
/// reader stops at the first thing wrong, this goes on behind it: a frame with damaged content is
/// stepped over by its header; behind a damaged header the next frame is looked for.
public struct ArchiveVerifier: Sendable {
    /// Something that is not as it was written.
    public struct Problem: Equatable, Sendable, Codable {
        /// The file, within the archive's folder.
        public var file: String
        public var offset: Int
        /// From there up to what is good again, or to the end.
        public var bytes: Int
        public var problem: String
    }

    /// What can be replayed without a gap.
    public struct Range: Equatable, Sendable, Codable {
        public var from: LSN
        public var to: LSN

        private enum CodingKeys: String, CodingKey { case from, to }

        /// What is left before a doubt begins and behind where it ends.
        fileprivate func without(_ doubt: ArchiveDoubt) -> [Range] {
            guard to > doubt.since, doubt.concerns(from) else { return [self] }
            var left: [Range] = []
            if from < doubt.since { left.append(Range(from: from, to: doubt.since)) }
            if let until = doubt.until, until < to { left.append(Range(from: until, to: to)) }
            return left
        }

        init(from: LSN, to: LSN) {
            (self.from, self.to) = (from, to)
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            from = LSN(try container.decode(String.self, forKey: .from)) ?? .zero
            to = LSN(try container.decode(String.self, forKey: .to)) ?? .zero
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode("\(from)", forKey: .from)
            try container.encode("\(to)", forKey: .to)
        }
    }

    public struct Report: Sendable {
        public var segments = 0
        public var frames = 0
        public var transactions = 0
        public var changes = 0
        public var bytes = 0
        /// Behind the stored position: a crash left it, and nobody reads it.
        public var uncountedBytes = 0
        public var problems: [Problem] = []
        public var usable: [Range] = []
        /// From where on rows may be others than the source's: what is usable ends there, or begins
        /// anew with a base.
        public var doubts: [ArchiveDoubt] = []
        /// Points of the bases whose files are as they were written.
        public var bases: [LSN] = []
        /// What could not be proven, for an earlier version wrote no checksum of it.
        public var unproven: [String] = []

        /// Nothing is damaged or missing, and from the newest base on all rows are the source's.
        public var isWhole: Bool { problems.isEmpty && !doubts.contains(where: \.isOpen) }
    }

    private let folder: ArchiveFolder

    public init(_ folder: ArchiveFolder) {
        self.folder = folder
    }

    /// - Parameter progress: Bytes done, and of how many.
    /// - Throws: `.noArchive`; `.file` if something cannot be read at all.
    public func run(
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(ArchiveError) -> Report {
        var walk = Walk(folder: folder)
        let position: ArchivePosition
        do { position = try folder.storedPosition() } catch {
            guard error.code == .damagedPosition else { throw error }
            walk.note("position", at: 0, bytes: 0, code: error.code)
            return walk.report
        }
        let names = try folder.segments().filter {
            $0 >= position.beginning && $0 <= position.segment
        }
        var sizes: [SegmentName: Int] = [:]
        for name in names { sizes[name] = try folder.length(of: name) }
        let total = sizes.values.reduce(0, +)
        if names.first != position.beginning {
            walk.note(
                "segments/\(position.beginning.fileName)", at: 0, bytes: 0,
                code: .missingSegment(position.beginning))
        }
        var done = 0
        for name in names {
            let length = sizes[name] ?? 0
            try walk.segment(name, length: length, upTo: position) { progress(done + $0, total) }
            done += length
        }
        walk.finish(position, isThere: names.last == position.segment)
        try walk.bases(position)
        try walk.besides(position)
        try walk.doubts()
        return walk.report
    }
}

/// One walk over an archive.
private struct Walk {
    let folder: ArchiveFolder
    var report = ArchiveVerifier.Report()
    private var link: FrameLink?
    private var predecessor: SegmentName?
    private var archive: ArchiveID?
    private var decoder = DecoderBox()
    /// Where the piece began that is good up to `link`.
    private var from: LSN?

    init(folder: ArchiveFolder) {
        self.folder = folder
    }

    mutating func note(_ file: String, at offset: Int, bytes: Int, code: ArchiveError.Code) {
        report.problems.append(
            .init(file: file, offset: offset, bytes: bytes, problem: "\(code)"))
    }

    /// What comes next does not go on from what was before.
    private mutating func breakOff() {
        if let from, let link, link.end > from {
            report.usable.append(.init(from: from, to: link.end))
        }
        (from, link) = (nil, nil)
        decoder = DecoderBox()
    }

    mutating func segment(
        _ name: SegmentName, length: Int, upTo position: ArchivePosition,
        telling progress: (Int) -> Void
    ) throws(ArchiveError) {
        report.segments += 1
        let file = "segments/\(name.fileName)"
        let end = name == position.segment ? min(length, position.length) : length
        report.bytes += end
        if name == position.segment { report.uncountedBytes = length - end }
        var offset = try header(of: name, in: file, position: position, end: end)
        while offset < end {
            offset = try frame(of: name, in: file, at: offset, end: end)
            progress(offset)
        }
        if name == position.segment, length < position.length {
            note(
                file, at: length, bytes: position.length - length,
                code: .behindEnd("the file ends at \(length)"))
        }
        predecessor = name
    }

    /// - Returns: Where the frames begin.
    private mutating func header(
        of name: SegmentName, in file: String, position: ArchivePosition, end: Int
    ) throws(ArchiveError) -> Int {
        let (header, length): (SegmentHeader, Int)
        do { (header, length) = try folder.header(of: name) } catch {
            if case .file = error.code { throw error }
            let next = try nextFrame(in: name, from: 1, to: end)
            note(file, at: 0, bytes: next, code: error.code)
            breakOff()
            return next
        }
        if header.description.archive != position.archive {
            note(file, at: 0, bytes: length, code: .foreignSegment(header.description.archive))
            breakOff()
        } else if let predecessor, header.predecessor != predecessor || link != header.link {
            let found = header.link
            if let link {
                note(file, at: 0, bytes: 0, code: .brokenChain(expected: link, found: found))
            } else if header.predecessor != predecessor {
                note(
                    file, at: 0, bytes: 0,
                    code: .invalid("predecessor: a segment between is missing"))
            }
            breakOff()
        }
        if link == nil { (from, link) = (header.first, header.link) }
        return length
    }

    /// - Returns: Where the next one begins, or should.
    private mutating func frame(
        of name: SegmentName, in file: String, at offset: Int, end: Int
    ) throws(ArchiveError) -> Int {
        let bytes = try folder.read(name, at: offset, count: FrameHeader.byteCount)
        let header: FrameHeader
        do throws(ArchiveError) {
            header = try FrameHeader(decoding: bytes.span.bytes)
            guard offset + header.frameBytes <= end else {
                throw ArchiveError(
                    .truncated(needed: header.frameBytes, available: end - offset))
            }
        } catch {
            let next = try nextFrame(in: name, from: offset + 1, to: end)
            note(file, at: offset, bytes: next - offset, code: error.code)
            breakOff()
            return next
        }
        report.frames += 1
        if let link, header.previous != link {
            note(
                file, at: offset, bytes: 0,
                code: .brokenChain(expected: link, found: header.previous))
            breakOff()
        }
        if link == nil { from = header.previous.end }
        try content(of: name, in: file, at: offset, header: header)
        return offset + header.frameBytes
    }

    private mutating func content(
        of name: SegmentName, in file: String, at offset: Int, header: FrameHeader
    ) throws(ArchiveError) {
        do throws(ArchiveError) {
            try decoder.check(Frame(header, of: name, in: folder, at: offset))
            link = header.link
            report.transactions += Int(header.transactions)
            report.changes += Int(header.changes)
        } catch {
            if case .file = error.code { throw error }
            note(
                file, at: offset + FrameHeader.byteCount, bytes: Int(header.payloadBytes),
                code: error.code)
            breakOff()
            // What follows goes on from this one, whose header is good.
            (from, link) = (header.endLSN, header.link)
        }
    }

    /// Where the next header of a frame stands; `end` if none does.
    private func nextFrame(
        in name: SegmentName, from start: Int, to end: Int
    ) throws(ArchiveError) -> Int {
        let pieceBytes = 1 << 20
        var offset = start
        while offset < end {
            let piece = try folder.read(
                name, at: offset, count: min(pieceBytes + FrameHeader.byteCount, end - offset))
            for index in piece.indices.prefix(pieceBytes)
            where piece[index] == FrameHeader.firstByte
                && piece.count - index >= FrameHeader.byteCount
            {
                let header = piece.span.bytes.extracting(
                    index..<index + FrameHeader.byteCount)
                if (try? FrameHeader(decoding: header)) != nil { return offset + index }
            }
            offset += pieceBytes
        }
        return end
    }

    mutating func finish(_ position: ArchivePosition, isThere: Bool) {
        if !isThere {
            note(
                "segments/\(position.segment.fileName)", at: 0, bytes: 0,
                code: .missingSegment(position.segment))
        } else if let link, link != position.link {
            note(
                "position", at: 0, bytes: 0,
                code: .brokenChain(expected: position.link, found: link))
        } else if link == position.link, let from, position.end > from {
            // Up to the stored end there is nothing more.
            report.usable.append(.init(from: from, to: position.end))
            return
        }
        breakOff()
    }

    mutating func bases(_ position: ArchivePosition) throws(ArchiveError) {
        for (point, bytes) in try folder.manifests() {
            let before = report.problems.count
            let base: BaseManifest
            do { base = try BaseManifest(decoding: bytes, of: point) } catch {
                note(manifest(point), at: 0, bytes: 0, code: error.code)
                continue
            }
            for table in base.tables { file(table, of: base) }
            schema(of: base)
            if report.problems.count == before { report.bases.append(base.lsn) }
        }
    }

    fileprivate func manifest(_ point: LSN) -> String {
        let path = "\(folder.basePath(point))/\(BaseManifest.name)"
        return String(path.dropFirst(folder.path.utf8.count + 1))
    }

    mutating func doubts() throws(ArchiveError) {
        do { _ = try DefinitionsFile.read(folder) } catch {
            if case .file = error.code { throw error }
            note(DefinitionsFile.name, at: 0, bytes: 0, code: error.code)
        }
        do { report.doubts = try folder.doubts() } catch {
            if case .file = error.code { throw error }
            // It is noted with the files beside.
            return
        }
        for doubt in report.doubts {
            report.usable = report.usable.flatMap { $0.without(doubt) }
            report.bases.removeAll { $0 > doubt.since && doubt.concerns($0) }
        }
    }

    private mutating func schema(of base: BaseManifest) {
        do throws(ArchiveError) { _ = try folder.schema(of: base) } catch {
            let path = "\(folder.basePath(base.lsn))/\(base.schemaFile ?? "")"
            note(
                String(path.dropFirst(folder.path.utf8.count + 1)), at: 0, bytes: 0,
                code: error.code)
        }
    }

    private mutating func file(_ table: BaseManifest.Table, of base: BaseManifest) {
        let path = "\(folder.basePath(base.lsn))/\(table.file)"
        let name = String(path.dropFirst(folder.path.utf8.count + 1))
        do throws(ArchiveError) {
            let reader = try BaseFileReader(path)
            // What says that it is longer is damaged by then.
            while reader.bytes <= table.bytes, try reader.next() != nil {}
            guard reader.bytes == table.bytes, reader.checksum == table.crc32c else {
                throw ArchiveError(.damagedPayload)
            }
        } catch {
            note(name, at: 0, bytes: 0, code: error.code)
        }
    }
}

// What lies beside the stream and the bases.
extension Walk {
    mutating func besides(_ position: ArchivePosition) throws(ArchiveError) {
        try json(StreamFile.self, named: StreamFile.name, isNeeded: true)
        let inventory = try json(InventoryFile.self, named: InventoryFile.name, isNeeded: false)
        try json(
            PartitionsFile.self, named: PartitionsFile.name,
            isNeeded: inventory?.hasPartitions ?? false)
        try json(
            DoubtsFile.Content.self, named: DoubtsFile.name, isNeeded: inventory?.hasDoubts ?? false
        )
        if let inventory { try listed(in: inventory, upTo: position) }
        for reader in try ArchiveReaders(folder.path).all() {
            let name = "readers/\(reader.name)"
            if reader.end == nil {
                note(name, at: 0, bytes: 0, code: .invalid("position or checksum of a reader"))
            }
            if !reader.isChecked { report.unproven.append(name) }
        }
    }

    @discardableResult
    private mutating func json<Value: Codable>(
        _ type: Value.Type, named name: String, isNeeded: Bool
    ) throws(ArchiveError) -> Value? {
        do throws(ArchiveError) {
            guard let file = try CheckedJSON<Value>(in: folder, named: name) else {
                if isNeeded { throw ArchiveError(.missingFile(name)) }
                return nil
            }
            if !file.isChecked { report.unproven.append(name) }
            return file.value
        } catch {
            if case .file = error.code { throw error }
            note(name, at: 0, bytes: 0, code: error.code)
            return nil
        }
    }

    /// Bases that are to be there. Retention may be at work: what is gone is looked for twice.
    private mutating func listed(
        in inventory: InventoryFile, upTo position: ArchivePosition
    ) throws(ArchiveError) {
        for base in inventory.bases where base.lsn >= position.beginning.first {
            let bytes = try folder.manifest(base.lsn)
            guard bytes.map({ InventoryFile.Base(of: base.lsn, from: $0) }) != base,
                try InventoryFile.read(folder)?.bases.contains(base) ?? false
            else { continue }
            let what = bytes == nil ? "missing" : "not the one that was written"
            note(
                manifest(base.lsn), at: 0, bytes: 0,
                code: .damagedBase(file: BaseManifest.name, base.lsn, what))
            report.bases.removeAll { $0 == base.lsn }
        }
    }
}

/// A decoder that lives as long as the chain is whole.
private final class DecoderBox {
    private var decoder = BatchDecoder(keepsLargeValues: false)

    func check(_ frame: Frame) throws(ArchiveError) {
        switch frame.header.kind {
        case .changes: _ = try decoder.batch(of: frame)
        case .catalog: _ = try decoder.catalog(of: frame)
        }
    }
}
