internal import PGWire

/// A file with one JSON object, whose last member is the checksum of the object without it:
/// `{...,"crc32c":"89abcdef"}` and a newline. Earlier versions wrote none, and leave one alone.
struct CheckedJSON<Value: Codable> {
    var value: Value
    /// Whether there was a checksum to compare.
    var isChecked = true

    /// More would be none of ours.
    static var mostBytes: Int { 256 << 20 }

    init(_ value: Value) {
        self.value = value
    }

    // MARK: Bytes

    private static func end(_ content: [UInt8]) -> [UInt8] {
        let link = FrameLink(end: .zero, checksum: Checksum.crc32c(content.span.bytes))
        return Array(#","crc32c":"\#(link.checksumText)"}"#.utf8)
    }

    func encoded() -> [UInt8] {
        let content = JSONContent.encode(value)
        return Array(content.dropLast()) + CheckedJSON.end(content) + [UInt8(ascii: "\n")]
    }

    /// - Parameter what: For a message.
    init(decoding bytes: [UInt8], _ what: String) throws(ArchiveError) {
        let text = bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]
        let start = text.count - CheckedJSON.end([]).count
        if start > 0, text[start...].starts(with: #","crc32c":""#.utf8) {
            let content = Array(text[..<start]) + [UInt8(ascii: "}")]
            guard CheckedJSON.end(content) == Array(text[start...]) else {
                throw ArchiveError(.invalid("\(what): its checksum does not fit"))
            }
        } else {
            isChecked = false
        }
        value = try JSONContent.decode(Value.self, from: bytes, what: what)
    }
}
