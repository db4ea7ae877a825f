internal import Glibc
internal import LeatArchive
internal import LeatCore
internal import PGWire

/// Files with the messages of streamed transactions that have not committed yet, one a
/// transaction, in the state folder.
///
/// They only live as long as the connection: the server sends such a transaction again from its
/// beginning to whoever connects next. So nothing is flushed to disk, and what a crash leaves is
/// removed at the next start.
///
/// A record: length of the message (4 bytes), its LSN (8 bytes), the message; in the machine's
/// byte order.
final class ChangesFiles {
    static let headerSize = 12
    /// What all transactions together keep in memory before it is written.
    private static let mostBuffered = 16 << 20
    /// Of how many transactions the memory is kept for their next messages.
    private static let mostKept = 16

    private let folder: ChangesFolder
    private var writers: [TransactionID: ChangesFileWriter] = [:]
    private var buffered = 0

    /// - Throws: ``Halt`` with exit code 9.
    init(folder: String) throws {
        self.folder = ChangesFolder(folder)
        do { try self.folder.begin() } catch { throw ChangesFiles.halt(error) }
    }

    deinit {
        try? folder.remove()
    }

    func append(_ message: RawSpan, at lsn: LSN, to transaction: TransactionID) throws {
        let writer = writers[transaction] ?? begin(transaction)
        buffered += writer.append(header: message.byteCount, lsn)
        guard message.byteCount < ChangesFileWriter.bufferSize else {
            // Not held once more.
            try flush(writer)
            do { return try writer.write(message) } catch { throw ChangesFiles.halt(error) }
        }
        buffered += writer.append(message)
        if writer.isFull {
            try flush(writer)
        } else if buffered >= ChangesFiles.mostBuffered {
            for writer in writers.values { try flush(writer) }
        }
    }

    func discard(_ transaction: TransactionID) {
        if let writer = writers.removeValue(forKey: transaction) { buffered -= writer.buffered }
        try? File.remove(folder.file(transaction.rawValue))
    }

    /// Ends the writing of a transaction and opens it for reading.
    func reader(_ transaction: TransactionID) throws -> ChangesFileReader {
        // A transaction without a row of ours has no file.
        let writer = writers[transaction] ?? begin(transaction)
        try flush(writer)
        writers[transaction] = nil
        return try ChangesFileReader(path: folder.file(transaction.rawValue))
    }

    private func flush(_ writer: ChangesFileWriter) throws {
        buffered -= writer.buffered
        do { try writer.flush(keepsMemory: writers.count <= ChangesFiles.mostKept) } catch {
            throw ChangesFiles.halt(error)
        }
    }

    private func begin(_ transaction: TransactionID) -> ChangesFileWriter {
        let writer = ChangesFileWriter(path: folder.file(transaction.rawValue))
        writers[transaction] = writer
        return writer
    }

    static func halt(_ error: ArchiveError) -> Halt {
        if case .noMemory(let bytes) = error.code { return .noMemory(bytes) }
        // "cannot open ...: ..."
        return halt("\(error)".split(separator: " ").dropFirst().joined(separator: " "))
    }

    static func halt(_ attempted: String) -> Halt {
        Halt(
            .localDisk, "Cannot \(attempted).",
            advice: """
                Large transactions are kept there until they commit: free space, or choose \
                another --state-dir. Nothing is lost; a later start resumes.
                """)
    }
}

/// Appends records through a buffer. The file is open only while it is written to: thousands of
/// transactions may be in progress.
final class ChangesFileWriter {
    static let bufferSize = 256 << 10

    private let path: String
    private var buffer: [UInt8] = []
    private var written = 0
    private var isMade = false

    init(path: String) {
        self.path = path
    }

    var buffered: Int { buffer.count }
    var isFull: Bool { buffer.count >= ChangesFileWriter.bufferSize }

    /// - Returns: By how much the buffer has grown.
    func append(header bytes: Int, _ lsn: LSN) -> Int {
        withUnsafeBytes(of: UInt32(bytes)) { buffer.append(contentsOf: $0) }
        withUnsafeBytes(of: lsn.rawValue) { buffer.append(contentsOf: $0) }
        return ChangesFiles.headerSize
    }

    /// The same.
    func append(_ message: RawSpan) -> Int {
        message.withUnsafeBytes { buffer.append(contentsOf: $0) }
        return message.byteCount
    }

    func flush(keepsMemory: Bool) throws(ArchiveError) {
        // A span cannot be lent out of a property of this object.
        var bytes: [UInt8] = []
        swap(&bytes, &buffer)
        try write(bytes.span.bytes)
        guard keepsMemory else { return }
        bytes.removeAll(keepingCapacity: true)
        buffer = bytes
    }

    /// - Precondition: Nothing is in the buffer that comes before it.
    func write(_ bytes: RawSpan) throws(ArchiveError) {
        let file = isMade ? try File(path, flags: O_WRONLY) : try File.create(path)
        isMade = true
        try file.write(bytes, at: written)
        written += bytes.byteCount
    }
}

/// Reads the records of one transaction back in order, and removes the file at its end.
final class ChangesFileReader {
    private static let chunkSize = 1 << 20

    private let file: File
    private var buffer: [UInt8] = []
    private var start = 0

    init(path: String) throws {
        do { file = try File(path, flags: O_RDONLY) } catch { throw ChangesFiles.halt(error) }
    }

    deinit {
        try? File.remove(file.path)
    }

    /// Lends the next record; false at the end.
    func next(_ body: (RawSpan, LSN) throws -> Void) throws -> Bool {
        guard try fill(ChangesFiles.headerSize) else { return false }
        let (length, lsn) = buffer.withUnsafeBytes { bytes in
            (
                Int(bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)),
                LSN(rawValue: bytes.loadUnaligned(fromByteOffset: start + 4, as: UInt64.self))
            )
        }
        guard try fill(ChangesFiles.headerSize + length) else {
            throw ChangesFiles.halt("read \(file.path): it ends within a message")
        }
        let first = start + ChangesFiles.headerSize
        start = first + length
        // A reference, not a copy: a span cannot be lent out of a property of this object.
        let bytes = buffer
        try body(bytes.span.bytes.extracting(first..<first + length), lsn)
        return true
    }

    /// Makes `count` bytes from `start` on available; false if the file has none left.
    private func fill(_ count: Int) throws -> Bool {
        while buffer.count - start < count {
            let left = buffer.count - start
            guard try readMore(max(ChangesFileReader.chunkSize, count - left)) else {
                guard left == 0 else {
                    throw ChangesFiles.halt("read \(file.path): it ends within a message")
                }
                return false
            }
        }
        return true
    }

    /// Drops what was used up and appends up to `wanted` bytes; false at the end of the file.
    private func readMore(_ wanted: Int) throws -> Bool {
        let left = buffer.count - start
        do { try Memory.require(left + wanted) } catch { throw ChangesFiles.halt(error) }
        var got = 0
        buffer = Array(unsafeUninitializedCapacity: left + wanted) { fresh, count in
            buffer.withUnsafeBytes { old in
                UnsafeMutableRawBufferPointer(fresh)
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: old[start...]))
            }
            repeat {
                got = read(file.descriptor, fresh.baseAddress.map { $0 + left }, wanted)
            } while got < 0 && errno == EINTR
            count = left + max(got, 0)
        }
        start = 0
        guard got >= 0 else {
            throw ChangesFiles.halt("read \(file.path): \(String(cString: strerror(errno)))")
        }
        return got > 0
    }
}
