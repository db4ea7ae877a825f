/// Appends the fields of messages, in network byte order.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func character(_ scalar: Unicode.Scalar) {
        bytes.append(UInt8(ascii: scalar))
    }

    mutating func flag(_ value: Bool) {
        bytes.append(value ? 1 : 0)
    }

    mutating func string(_ value: String) {
        bytes.append(contentsOf: value.utf8)
        bytes.append(0)
    }

    mutating func raw(_ value: some Sequence<UInt8>) {
        bytes.append(contentsOf: value)
    }
}
