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
        _ type: Value.Type, from bytes: [UInt8], what: String
    ) throws(ArchiveError) -> Value {
        guard let value = try? JSONDecoder().decode(type, from: Data(bytes)),
            (value as? any Validated)?.isValid ?? true
        else { throw ArchiveError(.invalid(what)) }
        return value
    }
}
