internal import Glibc

/// The file `lock` of a folder, held by one process at a time until that ends; it says which.
package final class FolderLock: Sendable {
    private let file: File

    /// - Throws: ``ArchiveError/Code/heldBy(_:)``.
    package init(_ path: String) throws(ArchiveError) {
        file = try File(path, flags: O_RDWR | O_CREAT)
        guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = String(decoding: try file.read(at: 0, count: 32), as: UTF8.self)
            throw ArchiveError(.heldBy(holder.split(separator: "\n").first.map(String.init) ?? "?"))
        }
        try file.truncate(to: 0)
        try file.write(Array("\(getpid())\n".utf8), at: 0)
    }
}
