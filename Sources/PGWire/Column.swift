/// One value of a tuple: what became of it, and where its bytes lie.
///
/// Twelve bytes, and no more memory than that whatever the value: the bytes are
/// in ``Batch/bytes``.
public struct Column: Sendable, Equatable {
    /// What the server sent for the column.
    public enum Kind: UInt8, Sendable {
        /// SQL NULL, or a column that a key tuple leaves out.
        case null
        /// A TOASTed value that did not change and was not sent; *not* NULL.
        case unchangedTOAST
        /// The type's output function, in the client encoding.
        case text
        /// The type's send function.
        case binary
    }

    /// What was sent of it.
    public var kind: Kind
    /// Where the value begins in ``Batch/bytes``; 0 if there is none.
    public var offset: UInt32
    /// Bytes of the value, without the NUL that the decoder puts behind it.
    public var length: UInt32

    /// A column whose value, if it has one, lies in the arena.
    @inlinable
    public init(kind: Kind, offset: UInt32 = 0, length: UInt32 = 0) {
        self.kind = kind
        self.offset = offset
        self.length = length
    }

    /// The value's place in ``Batch/bytes``.
    @inlinable
    public var range: Range<Int> {
        let start = Int(offset)
        return start..<start + Int(length)
    }

    /// Whether there are bytes, be they none: an empty string is a value.
    @inlinable
    public var hasValue: Bool { kind == .text || kind == .binary }
}
