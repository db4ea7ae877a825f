internal import Glibc

/// A file descriptor that is closed with its owner, and the calls that an archive needs.
final class File: Sendable {
    let path: String
    let descriptor: Int32

    /// - Throws: ``ArchiveError/Code/file(_:)``, ``ArchiveError/Code/noRoom(_:)``.
    init(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(ArchiveError) {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw File.writeError("open \(path)") }
    }

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// For reading; nil if it is not there.
    static func openIfPresent(_ path: String) throws(ArchiveError) -> File? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw error("open \(path)")
        }
        return File(path: path, descriptor: descriptor)
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
        "cannot \(attempted): \(String(cString: strerror(errno)))"
    }

    func length() throws(ArchiveError) -> Int {
        try lengthAndTime().bytes
    }

    /// In bytes, and when it was last written to, in seconds since 1970.
    func lengthAndTime() throws(ArchiveError) -> (bytes: Int, written: Int) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw File.error("look at \(path)") }
        return (Int(status.st_size), status.st_mtim.tv_sec)
    }

    /// Fewer bytes than asked for only at the end of the file.
    func read(at offset: Int, count: Int) throws(ArchiveError) -> [UInt8] {
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

    func write(_ bytes: [UInt8], at offset: Int) throws(ArchiveError) {
        var start = 0
        while start < bytes.count {
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

    func truncate(to length: Int) throws(ArchiveError) {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw File.error("cut \(path)") }
    }

    /// Contents and length are on disk when it returns. After a failure the kernel may have
    /// forgotten what it could not write: it must not be tried again.
    func synchroniseData() throws(ArchiveError) {
        guard fdatasync(descriptor) == 0 else { throw File.error("write \(path) to the disk") }
    }

    func synchronise() throws(ArchiveError) {
        guard fsync(descriptor) == 0 else { throw File.error("write \(path) to the disk") }
    }

    /// What was made, renamed or removed in the folder is on disk when it returns.
    static func synchronise(folder: String) throws(ArchiveError) {
        try File(folder, O_RDONLY | O_DIRECTORY).synchronise()
    }

    /// Puts a file in another's place, as a whole: after a crash it is one or the other.
    static func replace(_ path: String, with bytes: [UInt8]) throws(ArchiveError) {
        let fresh = path + ".new"
        let file = try File(fresh, O_WRONLY | O_CREAT | O_TRUNC)
        try file.write(bytes, at: 0)
        try file.synchronise()
        guard rename(fresh, path) == 0 else { throw error("rename \(fresh)") }
        try synchronise(folder: parent(of: path))
    }

    static func remove(_ path: String) throws(ArchiveError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw error("remove \(path)") }
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// With the folders above it, as far as they are missing.
    static func makeFolder(_ path: String) throws(ArchiveError) {
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

    static func names(in folder: String) throws(ArchiveError) -> [String] {
        guard let handle = opendir(folder) else {
            if errno == ENOENT { return [] }
            throw error("read the folder \(folder)")
        }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names
    }
}
