internal import Foundation
package import LeatCore
package import PGClient
package import PGWire

/// What Leat's own words for rows are made of.
extension Record {
    package func table(
        _ schema: String = "nspname", name: String = "relname"
    ) throws(ConnectionError) -> TableName {
        TableName(schema: try text(schema), name: try text(name))
    }

    /// Nil where there is none: both are NULL.
    package func tableIfAny(_ schema: String, name: String) throws(ConnectionError) -> TableName? {
        try optionalText(name) == nil ? nil : table(schema, name: name)
    }

    package func relation(_ column: String) throws(ConnectionError) -> RelationID {
        RelationID(rawValue: try id(column))
    }

    /// A `text[]` that the query gives through `array_to_json`.
    package func strings(_ column: String) throws(ConnectionError) -> [String] {
        try value(of: column, as: "a list of texts", by: Record.decoded)
    }

    package func optionalStrings(_ column: String) throws(ConnectionError) -> [String]? {
        try optionalValue(of: column, as: "a list of texts", by: Record.decoded)
    }

    /// NULL is none.
    package func stringsIfAny(_ column: String) throws(ConnectionError) -> [String] {
        try optionalStrings(column) ?? []
    }

    /// The same where elements may be NULL, too.
    package func optionalStringsWithNulls(_ column: String) throws(ConnectionError) -> [String?]? {
        try optionalValue(of: column, as: "a list of texts", by: Record.decoded)
    }

    private static func decoded<Element: Decodable>(_ text: String) -> [Element]? {
        try? JSONDecoder().decode([Element].self, from: Data(text.utf8))
    }
}

extension QueryResult {
    /// A table a row, by the columns of `pg_namespace` and `pg_class`.
    package func tables() throws(ConnectionError) -> [TableName] {
        try records.map { row throws(ConnectionError) in try row.table() }
    }
}
