internal import Glibc
internal import LeatArchive
internal import LeatCore

/// The folder `spool` in a state folder: one file a transaction, named for its ID. Nothing else in
/// it is touched.
struct ChangesFolder {
    let path: String

    init(_ path: String) {
        self.path = path
    }

    /// Makes it, and removes what an earlier process has left.
    func begin() throws(ArchiveError) {
        try File.makeFolder(path)
        try clear()
    }

    /// Nothing happens if it is not there.
    func remove() throws(ArchiveError) {
        try clear()
        // Where there is anything else, it stays.
        _ = rmdir(path)
    }

    private func clear() throws(ArchiveError) {
        for name in try File.names(in: path) where StateFolderContents.isSpoolFile(name) {
            try File.remove("\(path)/\(name)")
        }
    }

    func file(_ transaction: UInt32) -> String { "\(path)/\(transaction)" }
}
