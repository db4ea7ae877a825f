/// Bytes from the server that break the grammar of the replication protocol.
///
/// It says where and why, and never holds or prints the value of a cell.
public struct DecodeError: Error, Equatable, Sendable {
    /// What is wrong with the bytes.
    public enum Code: Equatable, Sendable {
        /// A field, or the fields that a count claims, need more bytes than are left.
        case truncated(needed: Int, available: Int)
        /// The first byte is no kind of message that protocols 1 to 4 know.
        case unknownMessage(UInt8)
        /// A known message that the function called does not decode.
        case unexpectedMessage(UInt8)
        /// A message that cannot stand between Stream Start and Stream Stop.
        case unexpectedInStream(UInt8)
        /// Something other than `N`, `K` or `O`, or one of them where it cannot stand.
        case unknownTupleKind(UInt8)
        /// Something other than `n`, `u`, `t` or `b` before a column.
        case unknownColumnKind(UInt8)
        /// Something other than `d`, `n`, `f` or `i` as a replica identity.
        case unknownReplicaIdentity(UInt8)
        /// A count or a length below zero.
        case negativeCount(Int)
        /// The message is complete, yet this many bytes follow.
        case trailingBytes(Int)
        /// A name that is not UTF-8.
        case invalidUTF8
        /// A string without the NUL that ends it.
        case unterminatedString
        /// Flag bits that the protocol does not define.
        case invalidFlags(UInt8)
        /// The batch cannot take the message: its offsets have 32 bits.
        case batchFull
    }

    /// What is wrong with the bytes.
    public var code: Code
    /// Where, in bytes from the beginning of the message or payload.
    public var offset: Int
    /// The byte that names the message, if it was read.
    public var messageKind: UInt8?

    /// What was found at a byte of the message.
    public init(_ code: Code, at offset: Int, messageKind: UInt8? = nil) {
        self.code = code
        self.offset = offset
        self.messageKind = messageKind
    }
}

extension DecodeError: CustomStringConvertible {
    /// One sentence, such as `Cannot decode message 'I' at byte 9: …`.
    public var description: String {
        let message = messageKind.map { "message \(Self.quoted($0))" } ?? "message"
        return "Cannot decode \(message) at byte \(offset): \(code.description)"
    }

    fileprivate static func quoted(_ byte: UInt8) -> String {
        (0x21...0x7E).contains(byte)
            ? "'\(Character(Unicode.Scalar(byte)))'" : "0x" + String(byte, radix: 16)
    }
}

extension DecodeError.Code: CustomStringConvertible {
    /// What is wrong, in which message, at which byte; never a value.
    public var description: String {
        switch self {
        case .truncated(let needed, let available):
            "\(needed) bytes needed, \(available) left"
        case .unknownMessage(let kind): "no message kind \(DecodeError.quoted(kind))"
        case .unexpectedMessage(let kind):
            "message kind \(DecodeError.quoted(kind)) is not expected here"
        case .unexpectedInStream(let kind):
            "message kind \(DecodeError.quoted(kind)) cannot stand inside a stream block"
        case .unknownTupleKind(let kind):
            "tuple kind \(DecodeError.quoted(kind)) cannot stand here"
        case .unknownColumnKind(let kind): "no column kind \(DecodeError.quoted(kind))"
        case .unknownReplicaIdentity(let kind):
            "no replica identity \(DecodeError.quoted(kind))"
        case .negativeCount(let count): "a count of \(count)"
        case .trailingBytes(let count): "\(count) bytes after the end"
        case .invalidUTF8: "a name is not UTF-8"
        case .unterminatedString: "a string without an end"
        case .invalidFlags(let flags): "undefined bits in flags 0x\(String(flags, radix: 16))"
        case .batchFull: "the batch has no room for it in 32-bit offsets"
        }
    }
}
