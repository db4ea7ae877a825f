internal import Glibc

/// A file descriptor that is closed with its owner, and the calls that archives and state folders
/// need.
///
/// The one way in which files of such folders are opened: never through a symbolic link, and never
/// what is no file, such as a pipe, which would be waited for.
package final class File: Sendable {
    package let path: String
    package let descriptor: Int32

    /// - Throws: ``ArchiveError/Code/file(_:)``, ``ArchiveError/Code/noRoom(_:)``.
    package convenience init(_ path: String, flags: Int32) throws(ArchiveError) {
        guard let file = try File.open(path, flags: flags) else {
            errno = ENOENT
            throw File.writeError("open \(path)")
        }
        self.init(path: path, descriptor: file)
    }

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// For reading; nil if it is not there.
    package static func openIfPresent(_ path: String) throws(ArchiveError) -> File? {
        try open(path, flags: O_RDONLY).map { File(path: path, descriptor: $0) }
    }

    /// A new file, in place of any that is there.
    package static func create(_ path: String) throws(ArchiveError) -> File {
        try remove(path)
        return try File(path, flags: O_WRONLY | O_CREAT | O_EXCL)
    }

    /// Nil if it is not there.
    private static func open(_ path: String, flags: Int32) throws(ArchiveError) -> Int32? {
        let descriptor = Glibc.open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            // With O_DIRECTORY the system says that a link is no folder.
            if errno == ENOTDIR, isLink(path) { errno = ELOOP }
            throw writeError("open \(path)")
        }
        var status = stat()
        let wanted = flags & O_DIRECTORY == 0 ? S_IFREG : S_IFDIR
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == wanted else {
            close(descriptor)
            throw ArchiveError(.file("cannot open \(path): it is no file"))
        }
        return descriptor
    }

    private static func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    static func error(_ attempted: String) -> ArchiveError {
        ArchiveError(.file(words(attempted)))
    }

    /// Of a call that needs room.
    private static func writeError(_ attempted: String) -> ArchiveError {
        let isRoom = [ENOSPC, EDQUOT, EFBIG].contains(errno)
        return ArchiveError(isRoom ? .noRoom(words(attempted)) : .file(words(attempted)))
    }

    private static func words(_ attempted: String) -> String {
        guard errno != ELOOP else { return "cannot \(attempted): it is a symbolic link" }
        return "cannot \(attempted): \(String(cString: strerror(errno)))"
    }

    package func length() throws(ArchiveError) -> Int {
        try lengthAndTime().bytes
    }

    /// In bytes, and when it was last written to, in seconds since 1970.
    package func lengthAndTime() throws(ArchiveError) -> (bytes: Int, written: Int) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw File.error("look at \(path)") }
        // Anything can be a file's time: only what is one is told.
        return (Int(status.st_size), min(max(status.st_mtim.tv_sec, 0), File.latestTime))
    }

    /// The end of the year 9999.
    static let latestTime = 253_402_300_799

    /// All of a file that is not to be longer than `most`.
    package func readWhole(most: Int) throws(ArchiveError) -> [UInt8] {
        let bytes = try length()
        guard bytes <= most else {
            throw ArchiveError(.file("cannot read \(path): \(bytes) bytes are too many for it"))
        }
        return try read(at: 0, count: bytes)
    }

    /// Fewer bytes than asked for only at the end of the file.
    package func read(at offset: Int, count: Int) throws(ArchiveError) -> [UInt8] {
        var failed = false
        // A count may be a claim of damaged bytes: no memory for what is not there.
        let available = max(0, try length() - offset)
        let bytes = Array<UInt8>(
            unsafeUninitializedCapacity: min(count, available)
        ) { out, filled in
            while filled < out.count {
                let got = pread(
                    descriptor, out.baseAddress.map { $0 + filled }, out.count - filled,
                    off_t(offset + filled))
                if got < 0, errno == EINTR { continue }
                failed = got < 0
                guard got > 0 else { return }
                filled += got
            }
        }
        guard !failed else { throw File.error("read \(path)") }
        return bytes
    }

    // MARK: Writing

    package func write(_ bytes: [UInt8], at offset: Int) throws(ArchiveError) {
        try write(bytes.span.bytes, at: offset)
    }

    package func write(_ bytes: RawSpan, at offset: Int) throws(ArchiveError) {
        var start = 0
        while start < bytes.byteCount {
            // SAFETY: the buffer does not leave the closure.
            let written = bytes.withUnsafeBytes { source in
                pwrite(
                    descriptor, source.baseAddress.map { $0 + start }, source.count - start,
                    off_t(offset + start))
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw File.writeError("write \(path)") }
            start += written
        }
    }

    package func truncate(to length: Int) throws(ArchiveError) {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw File.error("cut \(path)") }
    }

    /// Contents and length are on disk when it returns. After a failure the kernel may have
    /// forgotten what it could not write: it must not be tried again.
    package func synchroniseData() throws(ArchiveError) {
        guard fdatasync(descriptor) == 0 else { throw File.error("write \(path) to the disk") }
    }

    package func synchronise() throws(ArchiveError) {
        guard fsync(descriptor) == 0 else { throw File.error("write \(path) to the disk") }
    }

    /// What was made, renamed or removed in the folder is on disk when it returns.
    package static func synchronise(folder: String) throws(ArchiveError) {
        // The operator's own folder may be reached by a link.
        let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw error("open \(folder)") }
        try File(path: folder, descriptor: descriptor).synchronise()
    }

    /// Puts a file in another's place, as a whole: after a crash it is one or the other.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(ArchiveError) {
        let fresh = path + ".new"
        let file = try create(fresh)
        try file.write(bytes, at: 0)
        try file.synchronise()
        guard rename(fresh, path) == 0 else { throw error("rename \(fresh)") }
        try synchronise(folder: parent(of: path))
    }

    package static func remove(_ path: String) throws(ArchiveError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw error("remove \(path)") }
    }

    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// With the folders above it, as far as they are missing.
    package static func makeFolder(_ path: String) throws(ArchiveError) {
        if mkdir(path, 0o700) == 0 { return try synchronise(folder: parent(of: path)) }
        if errno == EEXIST { return }
        guard errno == ENOENT, parent(of: path) != path else {
            throw error("make the folder \(path)")
        }
        try makeFolder(parent(of: path))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw error("make the folder \(path)")
        }
        try synchronise(folder: parent(of: path))
    }

    /// What is in a folder; nothing if it is not there.
    ///
    /// - Parameter followsLink: Whether the folder may be reached by a link: the operator's own may,
    ///   those in it are ours.
    package static func names(
        in folder: String, followsLink: Bool = false
    ) throws(ArchiveError) -> [String] {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (followsLink ? 0 : O_NOFOLLOW)
        let descriptor = Glibc.open(folder, flags)
        guard descriptor >= 0, let handle = fdopendir(descriptor) else {
            if errno == ENOENT { return [] }
            if errno == ENOTDIR, isLink(folder) { errno = ELOOP }
            throw error("read the folder \(folder)")
        }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
