internal import Foundation
internal import LeatCore
internal import PGClient

/// What Leat's own words for rows are made of.
extension Record {
    func table(_ schema: String, _ name: String) throws(ConnectionError) -> TableName {
        TableName(schema: try text(schema), name: try text(name))
    }

    /// A `text[]` that the query gives through `array_to_json`.
    func strings(_ column: String) throws(ConnectionError) -> [String] {
        try value(column, as: "a list of texts", Record.decoded)
    }

    func optionalStrings(_ column: String) throws(ConnectionError) -> [String]? {
        try optionalValue(column, as: "a list of texts", Record.decoded)
    }

    private static func decoded(_ text: String) -> [String]? {
        try? JSONDecoder().decode([String].self, from: Data(text.utf8))
    }
}
