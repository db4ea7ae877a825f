internal import Glibc

/// The right to write an archive: one process at a time has it, until it ends.
public final class WriterLock: Sendable {
    private let file: File

    /// Makes the folder if it is not there.
    ///
    /// - Throws: ``ArchiveError/Code/heldBy(_:)`` if another process writes.
    public init(_ folder: ArchiveFolder) throws(ArchiveError) {
        try File.makeFolder(folder.segmentsPath)
        file = try File(folder.path + "/lock", O_RDWR | O_CREAT)
        guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = String(decoding: try file.read(at: 0, count: 32), as: UTF8.self)
            throw ArchiveError(.heldBy(holder.split(separator: "\n").first.map(String.init) ?? "?"))
        }
        try file.truncate(to: 0)
        try file.write(Array("\(getpid())\n".utf8), at: 0)
    }
}
