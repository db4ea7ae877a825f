internal import Foundation

package enum JSONText {
    /// A JSON array of strings.
    package static func array(_ texts: [String]) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        guard let data = try? encoder.encode(texts) else {
            preconditionFailure("strings are always JSON")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// A `timestamptz` in JSON, of a session in UTC, as all other times here: RFC 3339 with `Z`.
    package static func time(_ text: String) -> String {
        text.hasSuffix("+00:00") ? text.dropLast(6) + "Z" : text
    }
}
