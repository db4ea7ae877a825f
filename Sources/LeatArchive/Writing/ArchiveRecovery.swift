internal import Glibc

/// Brings a folder to what its position says, before it is written to again.
struct ArchiveRecovery {
    private let folder: ArchiveFolder

    init(_ folder: ArchiveFolder) {
        self.folder = folder
    }

    /// Removes what stands behind the position, and before the beginning; verifies the newest
    /// segment.
    func run() throws(ArchiveError) -> ArchivePosition {
        let position = try folder.storedPosition()
        for name in try folder.segments()
        where name > position.segment || name < position.beginning {
            try File.remove(folder.path(of: name))
        }
        let file = try File(folder.path(of: position.segment), flags: O_RDWR)
        let length = try file.length()
        guard length >= position.length else {
            throw ArchiveError(
                .behindEnd("\(position.length) bytes were stored, \(length) are there"),
                in: position.segment)
        }
        try verify(position)
        try file.truncate(to: position.length)
        // A writer that was killed has synchronised what the position speaks of. One of another
        // boot may have left the name alone.
        try file.synchronise()
        try File.synchronise(folder: folder.segmentsPath)
        // It may have been killed right behind a rename, too: what this process has read there, and
        // will confirm, is to be on the disk, or a machine that goes down takes it back.
        try File.synchronise(folder: folder.path)
        return position
    }

    private func verify(_ position: ArchivePosition) throws(ArchiveError) {
        var reader = try ArchiveReader(folder)
        try reader.seek(after: position.segment.first)
        while try reader.next() != nil {}
        guard reader.link == position.link else {
            throw ArchiveError(
                .brokenChain(expected: position.link, found: reader.link), in: position.segment)
        }
    }
}
