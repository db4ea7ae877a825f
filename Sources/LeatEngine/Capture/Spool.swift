internal import Foundation
internal import Glibc
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
final class Spool {
    static let headerSize = 12

    private let folder: String
    private var writers: [TransactionID: SpoolWriter] = [:]

    /// - Throws: ``Halt`` with exit code 9.
    init(folder: String) throws {
        self.folder = folder
        try? FileManager.default.removeItem(atPath: folder)
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw Spool.halt("create \(folder)", error.localizedDescription)
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    func append(_ message: RawSpan, at lsn: LSN, to transaction: TransactionID) throws {
        let writer = try writers[transaction] ?? open(transaction)
        try writer.append(message, at: lsn)
    }

    func discard(_ transaction: TransactionID) {
        writers[transaction] = nil
        unlink(path(transaction))
    }

    /// Ends the writing of a transaction and opens it for reading.
    func reader(_ transaction: TransactionID) throws -> SpoolReader {
        // A transaction without a row of ours has no file.
        let writer = try writers.removeValue(forKey: transaction) ?? open(transaction)
        writers[transaction] = nil
        try writer.flush()
        return try SpoolReader(path: path(transaction))
    }

    private func open(_ transaction: TransactionID) throws -> SpoolWriter {
        let writer = try SpoolWriter(path: path(transaction))
        writers[transaction] = writer
        return writer
    }

    private func path(_ transaction: TransactionID) -> String {
        "\(folder)/\(transaction.rawValue)"
    }

    static func halt(_ attempted: String, _ reason: String) -> Halt {
        Halt(
            .localDisk, "Cannot \(attempted): \(reason).",
            advice: """
                Large transactions are kept there until they commit: free space, or choose \
                another --state-dir. Nothing is lost; a later start resumes.
                """)
    }
}

/// Appends records through a buffer.
final class SpoolWriter {
    private static let bufferSize = 256 << 10

    private let path: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init(path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Spool.halt("create \(path)", String(cString: strerror(errno)))
        }
        buffer.reserveCapacity(SpoolWriter.bufferSize + 4096)
    }

    deinit {
        close(descriptor)
    }

    func append(_ message: RawSpan, at lsn: LSN) throws {
        withUnsafeBytes(of: UInt32(message.byteCount)) { buffer.append(contentsOf: $0) }
        withUnsafeBytes(of: lsn.rawValue) { buffer.append(contentsOf: $0) }
        message.withUnsafeBytes { buffer.append(contentsOf: $0) }
        if buffer.count >= SpoolWriter.bufferSize { try flush() }
    }

    func flush() throws {
        var start = 0
        while start < buffer.count {
            let written = buffer.withUnsafeBytes { bytes in
                write(descriptor, bytes.baseAddress.map { $0 + start }, bytes.count - start)
            }
            guard written > 0 || errno == EINTR else {
                throw Spool.halt("write \(path)", String(cString: strerror(errno)))
            }
            start += max(written, 0)
        }
        buffer.removeAll(keepingCapacity: true)
    }
}

/// Reads the records of one transaction back in order, and removes the file at its end.
final class SpoolReader {
    private static let chunkSize = 1 << 20

    private let path: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var start = 0

    init(path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Spool.halt("read \(path)", String(cString: strerror(errno)))
        }
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    /// Lends the next record; false at the end.
    func next(_ body: (RawSpan, LSN) throws -> Void) throws -> Bool {
        guard try fill(Spool.headerSize) else { return false }
        let (length, lsn) = buffer.withUnsafeBytes { bytes in
            (
                Int(bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)),
                LSN(rawValue: bytes.loadUnaligned(fromByteOffset: start + 4, as: UInt64.self))
            )
        }
        guard try fill(Spool.headerSize + length) else {
            throw Spool.halt("read \(path)", "it ends within a message")
        }
        let first = start + Spool.headerSize
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
            guard try readMore(max(SpoolReader.chunkSize, count - left)) else {
                guard left == 0 else {
                    throw Spool.halt("read \(path)", "it ends within a message")
                }
                return false
            }
        }
        return true
    }

    /// Drops what was used up and appends up to `wanted` bytes; false at the end of the file.
    private func readMore(_ wanted: Int) throws -> Bool {
        let left = buffer.count - start
        var got = 0
        buffer = Array(unsafeUninitializedCapacity: left + wanted) { fresh, count in
            buffer.withUnsafeBytes { old in
                UnsafeMutableRawBufferPointer(fresh)
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: old[start...]))
            }
            repeat {
                got = read(descriptor, fresh.baseAddress.map { $0 + left }, wanted)
            } while got < 0 && errno == EINTR
            count = left + max(got, 0)
        }
        start = 0
        guard got >= 0 else {
            throw Spool.halt("read \(path)", String(cString: strerror(errno)))
        }
        return got > 0
    }
}
