internal import Glibc
public import PGWire

/// Who reads an archive, and how far: one small file a reader in `readers/`.
///
///     leat-reader 1
///     end 0/1A2B3C8
///     crc32c 89abcdef
///
/// The checksum is of the lines before; earlier versions wrote none.
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
        /// Whether there was a checksum to compare.
        public var isChecked = true
    }

    private let folder: String
    private static let title = "leat-reader 1"

    /// - Parameter archive: The archive's folder.
    public init(_ archive: String) {
        folder = archive + "/readers"
    }

    /// Whether this can be the name of a reader: a file name without surprises.
    public static func isName(_ text: String) -> Bool { PlainName.isValid(text) }

    /// By name.
    public func all() throws(ArchiveError) -> [Reader] {
        var readers: [Reader] = []
        for name in try File.names(in: folder).sorted() where ArchiveReaders.isName(name) {
            guard !name.hasSuffix(".new"), let file = try File.openIfPresent("\(folder)/\(name)")
            else { continue }
            let content = String(
                decoding: try file.read(at: 0, count: 4096), as: UTF8.self)
            readers.append(
                Reader(
                    name: name, end: ArchiveReaders.end(content),
                    updated: try file.lengthAndTime().written,
                    isChecked: content.contains("\ncrc32c ")))
        }
        return readers
    }

    private static func content(_ end: LSN) -> String {
        let lines = "\(title)\nend \(end)\n"
        let checksum = Checksum.crc32c(Array(lines.utf8).span.bytes)
        return "\(lines)crc32c \(FrameLink(end: end, checksum: checksum).checksumText)\n"
    }

    private static func end(_ content: String) -> LSN? {
        let lines = content.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 3 || lines.count == 4, lines[0] == title, lines.last == "",
            lines[1].hasPrefix("end "), let end = LSN(String(lines[1].dropFirst(4)))
        else { return nil }
        return lines.count == 3 || content == self.content(end) ? end : nil
    }

    /// Notes that a reader needs nothing that ends at or before `end`. Replaced as a whole, and on
    /// disk when it returns.
    public func register(_ name: String, at end: LSN) throws(ArchiveError) {
        precondition(ArchiveReaders.isName(name), "a reader's name was checked before")
        try File.makeFolder(folder)
        // Not a link to another.
        _ = try File.names(in: folder)
        try File.replace(
            "\(folder)/\(name)", with: Array(ArchiveReaders.content(end).utf8))
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
