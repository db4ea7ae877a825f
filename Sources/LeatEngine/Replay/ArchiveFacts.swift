internal import LeatArchive
internal import LeatCore
internal import PGWire

/// What a start asks an archive before it reads any change.
struct ArchiveFacts {
    private let folder: ArchiveFolder

    struct Found {
        /// As the newest segment has it.
        var description: ArchiveDescription
        /// The finished ones, oldest first.
        var bases: [BaseManifest]
        /// Points of those that are later than the wanted moment.
        var laterBases: Set<LSN>
    }

    init(_ path: String) {
        folder = ArchiveFolder(path)
    }

    func position() throws -> ArchivePosition {
        try checked { () throws(ArchiveError) in try folder.storedPosition() }
    }

    func read(_ position: ArchivePosition, until: ReplayMoment?) throws -> Found {
        try checked { () throws(ArchiveError) in
            let description = try folder.header(of: position.segment).header.description
            let bases = try folder.bases().filter { base in
                base.lsn >= position.beginning.first && base.lsn <= position.end
                    && base.description.archive == description.archive
            }
            var later: Set<LSN> = []
            for base in bases where try isLater(base, than: until) { later.insert(base.lsn) }
            return Found(description: description, bases: bases, laterBases: later)
        }
    }

    /// A base is of its slot's consistent point; when that was is not written anywhere. If the
    /// first commit behind it is not after the moment, or the base was finished before it, the
    /// base is at or before it too.
    private func isLater(
        _ base: BaseManifest, than until: ReplayMoment?
    ) throws(ArchiveError) -> Bool {
        switch until {
        case nil: return false
        case .lsn(let end): return base.lsn > end
        case .time(let time):
            let finished = PostgresTimestamp(unixMicroseconds: Int64(base.finishedAt) * 1_000_000)
            if finished <= time { return false }
            guard let first = try firstCommit(after: base.lsn) else { return true }
            return first > time
        }
    }

    private func firstCommit(after point: LSN) throws(ArchiveError) -> PostgresTimestamp? {
        var reader = try ArchiveReader(folder)
        try reader.seek(after: point)
        var decoder = BatchDecoder(position: point, keepsMessages: false)
        while let item = try reader.next() {
            guard case .frame(let frame) = item, frame.header.kind == .changes else { continue }
            if let first = try decoder.batch(of: frame).transactions.first {
                return first.commitTime
            }
        }
        return nil
    }

    /// From where on the archive may have other rows than its source.
    func doubts() throws -> [ArchiveDoubt] {
        try checked { () throws(ArchiveError) in try folder.doubts() }
    }

    private func checked<Value>(_ body: () throws(ArchiveError) -> Value) throws -> Value {
        do { return try body() } catch { throw Halt(error, archive: folder.path) }
    }
}
