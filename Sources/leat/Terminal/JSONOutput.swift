import Foundation
import PGWire

/// What `--json` prints.
enum JSONOutput {
    static func print(_ value: some Encodable) throws {
        Swift.print(try text(value))
    }

    /// - Parameter isLine: One line, of a stream of documents.
    static func text(_ value: some Encodable, isLine: Bool = false) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if !isLine { encoder.outputFormatting.insert(.prettyPrinted) }
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return PrintedText.json(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
