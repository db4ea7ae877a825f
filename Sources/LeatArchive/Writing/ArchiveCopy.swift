internal import Foundation
internal import Glibc
public import PGWire

/// Copies an archive that may be written to meanwhile: what it holds at one position, and no byte
/// more.
///
/// The position is read first, then what it speaks of: segments only ever grow behind it. A copy
/// of the folder made in another order has a position that is newer than its segments, and cannot
/// be read. Meanwhile the copy is a reader of the archive, so that retention removes nothing of it.
/// The copy's own position is written last: a copy that was broken off is no archive.
public struct ArchiveCopy {
    /// What was copied.
    public struct Summary: Sendable {
        public var end: LSN
        public var segments: Int
        public var bases: Int
        public var bytes: Int
    }

    private let source: ArchiveFolder
    private let target: ArchiveFolder
    private let reader = "copy-\(getpid())"
    private static let chunk = 1 << 20
    /// What a start of the recorder goes on with, where the copy takes the archive's place.
    private static let besides = [
        StreamFile.name, PartitionsFile.name, DefinitionsFile.name, DoubtsFile.name,
    ]

    /// - Throws: ``ArchiveError`` if there is something at `target` already.
    public init(_ source: ArchiveFolder, to target: ArchiveFolder) throws(ArchiveError) {
        self.source = source
        self.target = target
        let there = try File.names(in: target.path, followsLink: true)
        guard there.isEmpty else {
            throw ArchiveError(.file("cannot copy to \(target.path): the folder is not empty"))
        }
    }

    /// - Parameter progress: Called with the bytes copied so far, and all of them.
    public func run(
        progress: (_ done: Int, _ all: Int) -> Void = { _, _ in }
    ) throws(ArchiveError) -> Summary {
        let isHeld = try hold()
        defer { if isHeld { _ = try? ArchiveReaders(source.path).forget(reader) } }
        // After that nothing of it goes.
        let position = try source.storedPosition()
        _ = try FolderCheck.make(target.path)
        try File.makeFolder(target.segmentsPath)
        var summary = Summary(end: position.end, segments: 0, bases: 0, bytes: 0)
        let names = try source.segments().filter {
            $0 >= position.beginning && $0 <= position.segment
        }
        let lengths = try names.map { (name) throws(ArchiveError) in
            name == position.segment
                ? position.length : try File(source.path(of: name), flags: O_RDONLY).length()
        }
        let all = lengths.reduce(0, +)
        for (name, length) in zip(names, lengths) {
            try copy(source.path(of: name), to: target.path(of: name), length: length)
            summary.segments += 1
            summary.bytes += length
            progress(summary.bytes, all)
        }
        try File.synchronise(folder: target.segmentsPath)
        try copyBases(upTo: position, into: &summary)
        try copyBesides()
        try File.replace(target.positionPath, with: position.encoded())
        return summary
    }

    /// - Returns: Whether the archive knows of the copy; one that is only to be read does not.
    private func hold() throws(ArchiveError) -> Bool {
        let position = try source.storedPosition()
        guard access(source.path, W_OK) == 0 else { return false }
        try ArchiveReaders(source.path).register(reader, at: position.beginning.first)
        return true
    }

    private func copyBases(
        upTo position: ArchivePosition, into summary: inout Summary
    ) throws(ArchiveError) {
        for base in try InventoryFile.read(source)?.bases ?? []
        where base.lsn >= position.beginning.first && base.lsn <= position.end {
            guard try source.manifest(base.lsn) != nil else {
                throw ArchiveError(.damagedBase(file: BaseManifest.name, base.lsn, "missing"))
            }
        }
        for base in try source.bases()
        where base.lsn >= position.beginning.first && base.lsn <= position.end {
            let (from, to) = (source.basePath(base.lsn), target.basePath(base.lsn))
            try File.makeFolder(to)
            // Written last, as it was.
            for file in base.files + [BaseManifest.name] {
                summary.bytes += try copyWhole("\(from)/\(file)", to: "\(to)/\(file)")
            }
            try File.synchronise(folder: to)
            summary.bases += 1
        }
    }

    private func copyBesides() throws(ArchiveError) {
        // A copy lists what it has, and would no longer miss them.
        _ = try (PartitionsFile.read(source), source.doubts())
        for name in ArchiveCopy.besides
        where access("\(source.path)/\(name)", F_OK) == 0 {
            _ = try copyWhole("\(source.path)/\(name)", to: "\(target.path)/\(name)")
        }
        // Of what the copy has.
        if try InventoryFile.read(source) != nil { try InventoryFile.change(in: target) { _ in } }
        for reader in try ArchiveReaders(source.path).all() where reader.name != self.reader {
            guard let end = reader.end else { continue }
            try ArchiveReaders(target.path).register(reader.name, at: end)
        }
        try File.synchronise(folder: target.path)
    }

    private func copyWhole(_ from: String, to: String) throws(ArchiveError) -> Int {
        let length = try File(from, flags: O_RDONLY).length()
        try copy(from, to: to, length: length)
        return length
    }

    private func copy(_ from: String, to: String, length: Int) throws(ArchiveError) {
        let (old, new) = (
            try File(from, flags: O_RDONLY), try File(to, flags: O_WRONLY | O_CREAT | O_EXCL)
        )
        var offset = 0
        while offset < length {
            let bytes = try old.read(at: offset, count: min(ArchiveCopy.chunk, length - offset))
            guard !bytes.isEmpty else {
                throw ArchiveError(.file("cannot copy \(from): it is shorter than was stored"))
            }
            try new.write(bytes, at: offset)
            offset += bytes.count
        }
        try new.synchronise()
    }
}
