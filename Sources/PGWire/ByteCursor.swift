/// Reads the fields of one message in order, never past its end.
///
/// Every failure is a ``DecodeError`` with the offset of the field and, once
/// ``messageKind`` was read, the kind of the message.
struct ByteCursor: ~Escapable {
    private let bytes: RawSpan
    /// Bytes read so far, which is the offset of the next field.
    private(set) var offset = 0
    /// The byte that names the message, for errors.
    private(set) var kindByte: UInt8?

    /// Bytes not read yet.
    var remaining: Int { bytes.byteCount - offset }

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) {
        self.bytes = bytes
    }

    /// An error about the field at `offset`, by default the next one.
    func error(_ code: DecodeError.Code, at offset: Int? = nil) -> DecodeError {
        DecodeError(code, at: offset ?? self.offset, messageKind: kindByte)
    }

    /// Refuses what a count claims before it becomes a range or a capacity.
    func require(_ needed: Int) throws(DecodeError) {
        guard needed <= remaining else {
            throw error(.truncated(needed: needed, available: remaining))
        }
    }

    /// The message must end here.
    func finish() throws(DecodeError) {
        guard remaining == 0 else { throw error(.trailingBytes(remaining)) }
    }
}

// MARK: Numbers

extension ByteCursor {
    mutating func integer<I: FixedWidthInteger & BitwiseCopyable>(
        _ type: I.Type = I.self
    ) throws(DecodeError) -> I {
        let width = MemoryLayout<I>.size
        try require(width)
        // SAFETY: in bounds, checked above; any bits make a valid integer.
        let value = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: I.self)
        offset += width
        return I(bigEndian: value)
    }

    mutating func byte() throws(DecodeError) -> UInt8 {
        try integer()
    }

    /// The byte that names the message, which later errors then carry.
    mutating func messageKind() throws(DecodeError) -> MessageKind {
        let byte = try byte()
        guard let kind = MessageKind(rawValue: byte) else {
            throw DecodeError(.unknownMessage(byte), at: 0, messageKind: byte)
        }
        kindByte = byte
        return kind
    }

    /// Flags of which only the bits in `known` are defined.
    mutating func flags(known: UInt8) throws(DecodeError) -> UInt8 {
        let flags = try byte()
        guard flags & ~known == 0 else { throw error(.invalidFlags(flags), at: offset - 1) }
        return flags
    }

    /// A count of elements that take at least `minimumBytes` each, so that it
    /// can be believed: there are bytes for all of them.
    mutating func count<I: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
        _ type: I.Type, minimumBytes: Int
    ) throws(DecodeError) -> Int {
        let start = offset
        let count = Int(try integer(type))
        guard count >= 0 else { throw error(.negativeCount(count), at: start) }
        // Below 2³¹ times a small constant: no overflow in 64 bits.
        guard count * minimumBytes <= remaining else {
            throw error(
                .truncated(needed: count * minimumBytes, available: remaining), at: start)
        }
        return count
    }

    mutating func skip(_ count: Int) throws(DecodeError) {
        try require(count)
        offset += count
    }
}

// MARK: Types of the protocol

extension ByteCursor {
    mutating func lsn() throws(DecodeError) -> LSN {
        LSN(rawValue: try integer())
    }

    mutating func timestamp() throws(DecodeError) -> PostgresTimestamp {
        PostgresTimestamp(rawValue: try integer())
    }

    mutating func transactionID() throws(DecodeError) -> TransactionID {
        TransactionID(rawValue: try integer())
    }

    mutating func relationID() throws(DecodeError) -> RelationID {
        RelationID(rawValue: try integer())
    }

    /// A string that a NUL ends.
    mutating func string() throws(DecodeError) -> String {
        let start = offset
        while try stringByte(from: start) != 0 {}
        let text = bytes.extracting(start..<offset - 1).withUnsafeBytes {
            // SAFETY: the buffer does not leave the closure; the string is a copy.
            String(validating: $0, as: UTF8.self)
        }
        guard let text else { throw error(.invalidUTF8, at: start) }
        return text
    }

    private mutating func stringByte(from start: Int) throws(DecodeError) -> UInt8 {
        guard remaining > 0 else { throw error(.unterminatedString, at: start) }
        return try byte()
    }

    /// The next `count` bytes, copied.
    mutating func bytes(_ count: Int) throws(DecodeError) -> [UInt8] {
        try require(count)
        let start = offset
        offset += count
        // SAFETY: the buffer does not leave the closure; the array is a copy.
        return bytes.extracting(start..<offset).withUnsafeBytes { Array($0) }
    }
}
