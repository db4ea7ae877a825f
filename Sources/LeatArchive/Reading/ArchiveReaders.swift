internal import Glibc
public import PGWire

/// Who reads an archive, and how far: one small file a reader in `readers/`.
///
///     leat-reader 1
///     end 0/1A2B3C8
///
/// Retention removes nothing that ends behind the oldest of them, unless told to. A reader writes
/// where it is stored for good, so that after any crash it finds what it needs: its file may be
/// older than its position, never newer. It stays until somebody forgets it: a staging that is
/// stopped will want to go on.
public struct ArchiveReaders: Sendable {
    public struct Reader: Equatable, Sendable {
        public var name: String
        /// Everything that ends at or before it is not needed. Nil: the file says nothing that
        /// can be read, so everything counts as needed.
        public var end: LSN?
        /// When it last said so, in seconds since 1970.
        public var updated: Int
    }

    private let folder: String
    private static let title = "leat-reader 1"

    /// - Parameter archive: The archive's folder.
    public init(_ archive: String) {
        folder = archive + "/readers"
    }

    /// Whether this can be the name of a reader: a file name without surprises.
    public static func isName(_ text: String) -> Bool {
        (1...200).contains(text.utf8.count) && !text.hasPrefix(".")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
                    UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// By name.
    public func all() throws(ArchiveError) -> [Reader] {
        var readers: [Reader] = []
        for name in try File.names(in: folder).sorted() where ArchiveReaders.isName(name) {
            guard !name.hasSuffix(".new"), let file = try File.openIfPresent("\(folder)/\(name)")
            else { continue }
            var status = stat()
            guard fstat(file.descriptor, &status) == 0 else {
                throw File.error("look at \(file.path)")
            }
            readers.append(
                Reader(
                    name: name, end: ArchiveReaders.end(try file.read(at: 0, count: 4096)),
                    updated: status.st_mtim.tv_sec))
        }
        return readers
    }

    private static func end(_ bytes: [UInt8]) -> LSN? {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard lines.count == 2, lines[0] == title, lines[1].hasPrefix("end ") else { return nil }
        return LSN(String(lines[1].dropFirst(4)))
    }

    /// Notes that a reader needs nothing that ends at or before `end`. Replaced as a whole, and on
    /// disk when it returns.
    public func register(_ name: String, at end: LSN) throws(ArchiveError) {
        precondition(ArchiveReaders.isName(name), "a reader's name was checked before")
        if mkdir(folder, 0o700) != 0, errno != EEXIST { throw File.error("create \(folder)") }
        let (path, new) = ("\(folder)/\(name)", "\(folder)/\(name).new")
        let file = try File(new, O_WRONLY | O_CREAT | O_TRUNC)
        let text = Array("\(ArchiveReaders.title)\nend \(end)\n".utf8)
        try file.write(text, at: 0)
        try file.synchronise()
        guard rename(new, path) == 0 else { throw File.error("rename \(new)") }
        let place = try File(folder, O_RDONLY | O_DIRECTORY)
        guard fsync(place.descriptor) == 0 else { throw File.error("flush \(folder)") }
    }

    /// - Returns: Whether it was there.
    @discardableResult
    public func forget(_ name: String) throws(ArchiveError) -> Bool {
        guard ArchiveReaders.isName(name) else { return false }
        if unlink("\(folder)/\(name)") == 0 { return true }
        guard errno == ENOENT else { throw File.error("remove \(folder)/\(name)") }
        return false
    }
}
