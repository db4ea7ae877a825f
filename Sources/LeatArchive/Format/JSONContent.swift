internal import Foundation
internal import PGWire

/// What is read as JSON and is more than its types say: no reader checks again.
protocol Validated {
    /// Whether it is what a writer writes: names that are none, numbers that cannot be.
    var isValid: Bool { get }
}

/// JSON as the archive holds it: UTF-8, keys sorted, so that the same is always the same bytes.
enum JSONContent {
    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else {
            preconditionFailure("a value that JSON cannot hold")
        }
        return Array(data)
    }

    static func decode<Value: Decodable>(
        _ type: Value.Type, _ bytes: [UInt8], _ what: String
    ) throws(ArchiveError) -> Value {
        guard let value = try? JSONDecoder().decode(type, from: Data(bytes)),
            (value as? any Validated)?.isValid ?? true
        else { throw ArchiveError(.invalid(what)) }
        return value
    }
}

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
        value = try JSONContent.decode(Value.self, bytes, what)
    }

    /// Nil if there is no such file in the archive's folder.
    init?(_ folder: ArchiveFolder, _ name: String) throws(ArchiveError) {
        guard let file = try File.openIfPresent("\(folder.path)/\(name)") else { return nil }
        try self.init(
            decoding: try file.readWhole(most: CheckedJSON.mostBytes), "file \"\(name)\"")
    }

    /// On disk when it returns.
    func write(_ folder: ArchiveFolder, _ name: String) throws(ArchiveError) {
        try File.replace("\(folder.path)/\(name)", with: encoded())
    }
}
