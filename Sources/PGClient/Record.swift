public import PGWire

/// One row of a catalog or of Leat's own tables, whose values are asked for by name and type.
///
/// What is not there, is NULL or is no value of the type is an error that names the column and the
/// query: a position that cannot be read is not 0/0, and a name not the empty one. Where NULL has a
/// meaning, `optional…` tells it apart.
public struct Record: Sendable {
    private let columns: [String]
    private let values: [String?]
    private let origin: QueryResult.Origin

    init(columns: [String], values: [String?], origin: QueryResult.Origin) {
        self.columns = columns
        self.values = values
        self.origin = origin
    }

    // MARK: Values that are there

    /// As text, whatever its type.
    public func text(_ column: String) throws(ConnectionError) -> String {
        guard let text = try optionalText(column) else {
            throw failure(in: column, message: "it is NULL")
        }
        return text
    }

    /// A `boolean`.
    public func bool(_ column: String) throws(ConnectionError) -> Bool {
        try parsed(column, as: "a bool", from: try text(column), by: Record.bool)
    }

    /// An `int8` or smaller.
    public func int(_ column: String) throws(ConnectionError) -> Int {
        try parsed(column, as: "an integer", from: try text(column)) { Int($0) }
    }

    /// As a process ID or a type modifier is.
    public func int32(_ column: String) throws(ConnectionError) -> Int32 {
        try parsed(column, as: "an integer of 32 bits", from: try text(column)) { Int32($0) }
    }

    /// A `float8`.
    public func double(_ column: String) throws(ConnectionError) -> Double {
        try parsed(column, as: "a number", from: try text(column)) { Double($0) }
    }

    /// An OID, or another number of 32 bits without a sign.
    public func id(_ column: String) throws(ConnectionError) -> UInt32 {
        try parsed(column, as: "an OID", from: try text(column)) { UInt32($0) }
    }

    /// A `pg_lsn`.
    public func lsn(_ column: String) throws(ConnectionError) -> LSN {
        try parsed(column, as: "an LSN", from: try text(column)) { LSN($0) }
    }

    // MARK: Values that may be NULL

    /// As text, whatever its type; nil where it is NULL.
    public func optionalText(_ column: String) throws(ConnectionError) -> String? {
        guard let index = columns.firstIndex(of: column), index < values.count else {
            throw failure(in: column, message: "the answer has no such column")
        }
        return values[index]
    }

    /// A `boolean`; nil where it is NULL.
    public func optionalBool(_ column: String) throws(ConnectionError) -> Bool? {
        try parsedIfAny(column, as: "a bool", from: try optionalText(column), by: Record.bool)
    }

    /// An `int8` or smaller; nil where it is NULL.
    public func optionalInt(_ column: String) throws(ConnectionError) -> Int? {
        try parsedIfAny(column, as: "an integer", from: try optionalText(column)) { Int($0) }
    }

    /// A `float8`; nil where it is NULL.
    public func optionalDouble(_ column: String) throws(ConnectionError) -> Double? {
        try parsedIfAny(column, as: "a number", from: try optionalText(column)) { Double($0) }
    }

    /// An `oid` or `xid`; nil where it is NULL.
    public func optionalID(_ column: String) throws(ConnectionError) -> UInt32? {
        try parsedIfAny(column, as: "an OID", from: try optionalText(column)) { UInt32($0) }
    }

    /// A `pg_lsn`; nil where it is NULL.
    public func optionalLSN(_ column: String) throws(ConnectionError) -> LSN? {
        try parsedIfAny(column, as: "an LSN", from: try optionalText(column)) { LSN($0) }
    }

    // MARK: Values of other types

    /// - Parameters:
    ///   - column: The column's name.
    ///   - type: What the text must be, for the error: `a state of a table`.
    ///   - parse: Makes the value of the text; nil where it is none.
    public func value<Value>(
        of column: String, as type: String, by parse: (String) -> Value?
    ) throws(ConnectionError) -> Value {
        try parsed(column, as: type, from: try text(column), by: parse)
    }

    /// Read by `read`; nil where it is NULL.
    public func optionalValue<Value>(
        of column: String, as type: String, by parse: (String) -> Value?
    ) throws(ConnectionError) -> Value? {
        try parsedIfAny(column, as: type, from: try optionalText(column), by: parse)
    }

    /// The same where a value was made of the column otherwise.
    ///
    /// - Parameters:
    ///   - type: What it must be, for the error.
    ///   - column: The column's name.
    ///   - value: Nil if it could not be made.
    public func made<Value>(
        _ type: String, of column: String, from value: Value?
    ) throws(ConnectionError) -> Value {
        guard let value else { throw failure(in: column, message: "it is not \(type)") }
        return value
    }

    // MARK: Errors

    private static func bool(_ text: String) -> Bool? {
        switch text {
        case "t", "true": true
        case "f", "false": false
        default: nil
        }
    }

    private func parsed<Value>(
        _ column: String, as type: String, from text: String, by parse: (String) -> Value?
    ) throws(ConnectionError) -> Value {
        try made(type, of: column, from: parse(text))
    }

    private func parsedIfAny<Value>(
        _ column: String, as type: String, from text: String?, by parse: (String) -> Value?
    ) throws(ConnectionError) -> Value? {
        guard let text else { return nil }
        return try parsed(column, as: type, from: text, by: parse)
    }

    private func failure(in column: String, message: String) -> ConnectionError {
        origin.failure("read column \"\(column)\" of", message: message)
    }
}

extension QueryResult {
    /// Its rows, to be read by name.
    public var records: [Record] { rows.map(record) }

    /// The first row; nil if there is none.
    public var firstRecord: Record? { rows.first.map(record) }

    /// The first row of a query that always has one.
    public func onlyRecord() throws(ConnectionError) -> Record {
        guard let firstRecord else { throw unread("the answer has no row") }
        return firstRecord
    }

    private func record(_ values: [String?]) -> Record {
        Record(columns: columns, values: values, origin: origin)
    }
}
