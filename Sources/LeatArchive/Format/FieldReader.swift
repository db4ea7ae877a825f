internal import PGWire

/// Reads fields in network byte order from memory that was found long enough before.
struct FieldReader: ~Escapable {
    private let bytes: RawSpan
    private var offset: Int

    /// - Precondition: The caller has checked that all fields lie within `bytes`.
    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, at offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    mutating func integer<I: FixedWidthInteger & BitwiseCopyable>(_ type: I.Type = I.self) -> I {
        precondition(
            offset + MemoryLayout<I>.size <= bytes.byteCount, "a header was not read whole")
        // SAFETY: in bounds, checked above; any bits make a valid integer.
        let value = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: I.self)
        offset += MemoryLayout<I>.size
        return I(bigEndian: value)
    }

    mutating func lsn() -> LSN { LSN(rawValue: integer()) }
    mutating func timestamp() -> PostgresTimestamp { PostgresTimestamp(rawValue: integer()) }
}

/// Appends fields in network byte order.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []

    mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func lsn(_ value: LSN) { integer(value.rawValue) }
    mutating func timestamp(_ value: PostgresTimestamp) { integer(value.rawValue) }

    mutating func raw(_ value: some Sequence<UInt8>) {
        bytes.append(contentsOf: value)
    }

    /// With a NUL behind it.
    mutating func string(_ text: String) {
        raw(text.utf8)
        integer(UInt8(0))
    }
}
