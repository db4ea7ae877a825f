public import PGWire

/// A table's schema and name, as the catalogs spell them.
///
/// Names are equal if their bytes are, as in PostgreSQL: Swift's strings are equal already when
/// they mean the same characters, composed or not.
public struct TableName: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var schema: String
    public var name: String

    public init(schema: String, name: String) {
        self.schema = schema
        self.name = name
    }

    /// `schema.name`, for people: no line and no cursor is moved by it.
    public var description: String { PrintedText.line(joined) }

    /// `schema.name`, to be stored, compared or written as data.
    public var joined: String { "\(schema).\(name)" }

    /// As ``joined`` writes it, of a schema without a dot.
    public init?(joined text: String) {
        guard let dot = text.unicodeScalars.firstIndex(of: ".") else { return nil }
        self.init(
            schema: String(text.unicodeScalars[..<dot]),
            name: String(text.unicodeScalars[text.unicodeScalars.index(after: dot)...]))
    }

    /// `"schema"."name"`, for `regclass` and other readers of names that are no SQL.
    public var listed: String { "\(SQLText.listed(schema)).\(SQLText.listed(name))" }

    /// `"schema"."name"`, for SQL.
    public var quoted: String { "\(SQLText.identifier(schema)).\(SQLText.identifier(name))" }

    public static func == (left: TableName, right: TableName) -> Bool {
        left.schema.isSameName(as: right.schema) && left.name.isSameName(as: right.name)
    }

    public func hash(into hasher: inout Hasher) {
        for byte in schema.utf8 { hasher.combine(byte) }
        hasher.combine(UInt8(0))
        for byte in name.utf8 { hasher.combine(byte) }
    }

    public static func < (left: TableName, right: TableName) -> Bool {
        (left.schema, left.name) < (right.schema, right.name)
    }
}

extension TableName {
    /// The table that a Relation message names; an empty namespace there means `pg_catalog`.
    public init(_ relation: Relation) {
        self.init(
            schema: relation.schema.isEmpty ? "pg_catalog" : relation.schema, name: relation.name)
    }
}

extension String {
    /// Equality of identifiers: byte by byte.
    public func isSameName(as other: String) -> Bool {
        utf8.elementsEqual(other.utf8)
    }
}
