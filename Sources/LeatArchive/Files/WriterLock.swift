internal import Glibc

/// The right to write an archive: one process at a time has it, until it ends.
public final class WriterLock: Sendable {
    private let lock: FolderLock
    /// Only a group could put files into the folder: sentences without a full stop.
    public let warnings: [String]

    /// Makes the folder if it is not there.
    ///
    /// - Throws: ``ArchiveError/Code/heldBy(_:)`` if another process writes,
    ///   ``ArchiveError/Code/untrusted(_:)``.
    public init(_ folder: ArchiveFolder) throws(ArchiveError) {
        warnings = try FolderCheck.make(folder.path)
        try File.makeFolder(folder.segmentsPath)
        lock = try FolderLock(folder.path + "/lock")
    }
}
