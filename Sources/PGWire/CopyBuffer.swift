/// Rows in the form that COPY FROM STDIN takes, ready to be sent.
///
/// Values pass from a batch's arena as they came from the source: in text form only the
/// characters are escaped that COPY gives a meaning to, in binary form a length is put before.
///
/// Layout: section "COPY", "File Formats", of the manual.
public final class CopyBuffer {
    /// Binary form; else text.
    public let isBinary: Bool
    // SAFETY: owned by this object, `capacity` bytes of it allocated, the first `count` written.
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// Bytes written since the last ``removeAll()``.
    public private(set) var count = 0

    /// An empty one.
    public init(isBinary: Bool) {
        self.isBinary = isBinary
        capacity = 1 << 16
        base = .allocate(capacity: capacity)
    }

    deinit {
        base.deallocate()
    }

    /// Forgets the rows and keeps the memory.
    public func removeAll() {
        count = 0
    }

    /// Valid until the next change of the buffer.
    public func withBytes<Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    // MARK: The frame of a binary copy

    /// What stands before the first row.
    public func begin() {
        guard isBinary else { return }
        let header: [UInt8] = [
            0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ]
        write(upTo: header.count) { out in
            for byte in header { out.put(byte) }
            return true
        }
    }

    /// What stands behind the last row.
    public func end() {
        guard isBinary else { return }
        write(upTo: 2) { out in
            out.put(UInt16.max)
            return true
        }
    }

    // MARK: Rows

    /// Appends one row.
    ///
    /// - Parameters:
    ///   - operation: A small number to stand before the columns, if not nil.
    ///   - columns: The tuple's columns; what was not sent becomes NULL.
    ///   - order: Which of them, and in what order.
    ///   - arena: The bytes that the columns point into.
    /// - Returns: False if a value is not in the buffer's form; nothing was appended then.
    public func append(
        operation: Int?, columns: UnsafePointer<Column>, order: [Int],
        arena: UnsafeRawPointer
    ) -> Bool {
        var bytes = 16
        for index in order { bytes += 2 * Int(columns[index].length) + 4 }
        let isBinary = isBinary
        return write(upTo: bytes) { out in
            isBinary
                ? out.putBinary(operation: operation, columns: columns, order: order, arena: arena)
                : out.putText(operation: operation, columns: columns, order: order, arena: arena)
        }
    }

    /// Appends one row that a ``CopyDecoder`` has read, or that lies so.
    ///
    /// - Returns: As above.
    public func append(_ columns: [Column], order: [Int], arena: [UInt8]) -> Bool {
        columns.withUnsafeBufferPointer { columns in
            arena.withUnsafeBytes { arena in
                // A row of NULLs has no value; then none of these is read.
                guard let first = columns.baseAddress, let bytes = arena.baseAddress else {
                    return write(upTo: 16 + 4 * order.count) { out in
                        out.putNulls(order.count, isBinary: isBinary)
                        return true
                    }
                }
                return append(operation: nil, columns: first, order: order, arena: bytes)
            }
        }
    }

    /// Lends the free end of the buffer; what was written counts if `body` says so.
    @discardableResult
    private func write(upTo bytes: Int, _ body: (inout CopyOutput) -> Bool) -> Bool {
        if count + bytes > capacity { grow(to: count + bytes) }
        var output = CopyOutput(next: base + count)
        guard body(&output) else { return false }
        count = output.next - base
        return true
    }

    private func grow(to bytes: Int) {
        capacity = max(2 * capacity, bytes)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: base, count: count)
        base.deallocate()
        base = larger
    }
}

/// Writes into memory that was found large enough before.
private struct CopyOutput {
    // SAFETY: whoever makes one reserves the worst case: each byte escaped, and the frame.
    var next: UnsafeMutablePointer<UInt8>

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        next.pointee = byte
        next += 1
    }

    @inline(__always)
    mutating func put<Integer: FixedWidthInteger>(_ value: Integer) {
        UnsafeMutableRawPointer(next).storeBytes(of: value.bigEndian, as: Integer.self)
        next += MemoryLayout<Integer>.size
    }

    // MARK: Binary form

    mutating func putBinary(
        operation: Int?, columns: UnsafePointer<Column>, order: [Int],
        arena: UnsafeRawPointer
    ) -> Bool {
        put(Int16(truncatingIfNeeded: order.count + (operation == nil ? 0 : 1)))
        if let operation {
            put(Int32(2))
            put(Int16(truncatingIfNeeded: operation))
        }
        for index in order {
            let column = columns[index]
            switch column.kind {
            case .binary:
                put(Int32(bitPattern: column.length))
                UnsafeMutableRawPointer(next).copyMemory(
                    from: arena + Int(column.offset), byteCount: Int(column.length))
                next += Int(column.length)
            case .null, .unchangedTOAST:
                put(Int32(-1))
            case .text:
                return false
            }
        }
        return true
    }

    /// A row that has no values at all.
    mutating func putNulls(_ count: Int, isBinary: Bool) {
        if isBinary { put(Int16(truncatingIfNeeded: count)) }
        for index in 0..<count {
            if isBinary {
                put(Int32(-1))
            } else {
                if index > 0 { put(CopyOutput.tab) }
                put(CopyOutput.backslash)
                put(UInt8(ascii: "N"))
            }
        }
        if !isBinary { put(CopyOutput.newline) }
    }

    // MARK: Text form

    private static let tab = UInt8(ascii: "\t")
    private static let newline = UInt8(ascii: "\n")
    private static let backslash = UInt8(ascii: "\\")

    mutating func putText(
        operation: Int?, columns: UnsafePointer<Column>, order: [Int],
        arena: UnsafeRawPointer
    ) -> Bool {
        if let operation {
            for digit in String(operation).utf8 { put(digit) }
            put(CopyOutput.tab)
        }
        var isFirst = true
        for index in order {
            if !isFirst { put(CopyOutput.tab) }
            isFirst = false
            let column = columns[index]
            switch column.kind {
            case .text:
                putEscaped(arena + Int(column.offset), length: Int(column.length))
            case .null, .unchangedTOAST:
                put(CopyOutput.backslash)
                put(UInt8(ascii: "N"))
            case .binary:
                return false
            }
        }
        put(CopyOutput.newline)
        return true
    }

    /// Eight bytes at a time while none of them needs a backslash. Bytes of multi-byte
    /// characters are no ASCII in any encoding that a database may have.
    private mutating func putEscaped(_ source: UnsafeRawPointer, length: Int) {
        var offset = 0
        while offset + 8 <= length {
            let word = source.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if CopyOutput.mayNeedEscape(word) {
                for index in offset..<offset + 8 {
                    putEscaped(source.load(fromByteOffset: index, as: UInt8.self))
                }
            } else {
                UnsafeMutableRawPointer(next).storeBytes(of: word, as: UInt64.self)
                next += 8
            }
            offset += 8
        }
        while offset < length {
            putEscaped(source.load(fromByteOffset: offset, as: UInt8.self))
            offset += 1
        }
    }

    /// Whether one of the eight bytes is a backslash or below 16. A borrow between bytes may say
    /// so of others, never hide one.
    private static func mayNeedEscape(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        let control = (word &- ones &* 0x10) & ~word & high
        let slashes = word ^ (ones &* UInt64(backslash))
        let slash = (slashes &- ones) & ~slashes & high
        return (control | slash) != 0
    }

    @inline(__always)
    private mutating func putEscaped(_ byte: UInt8) {
        switch byte {
        case CopyOutput.newline:
            put(CopyOutput.backslash)
            put(UInt8(ascii: "n"))
        case UInt8(ascii: "\r"):
            put(CopyOutput.backslash)
            put(UInt8(ascii: "r"))
        case CopyOutput.tab:
            put(CopyOutput.backslash)
            put(UInt8(ascii: "t"))
        case CopyOutput.backslash:
            put(CopyOutput.backslash)
            put(CopyOutput.backslash)
        default:
            put(byte)
        }
    }
}
