public import PGWire

/// Answers of one column, read by type: what is NULL or is no value of it is an error as in
/// ``Record``.
extension QueryResult {
    // MARK: The one value of a query that always gives it

    /// The only value of the only row, as text.
    public func text() throws(ConnectionError) -> String {
        let (row, column) = try one()
        return try row.text(column)
    }

    /// The only value of the only row, a `boolean`.
    public func bool() throws(ConnectionError) -> Bool {
        let (row, column) = try one()
        return try row.bool(column)
    }

    /// The only value of the only row, an `int8` or smaller.
    public func int() throws(ConnectionError) -> Int {
        let (row, column) = try one()
        return try row.int(column)
    }

    /// The only value of the only row, an `oid` or `xid`.
    public func id() throws(ConnectionError) -> UInt32 {
        let (row, column) = try one()
        return try row.id(column)
    }

    /// The only value of the only row, a `pg_lsn`.
    public func lsn() throws(ConnectionError) -> LSN {
        let (row, column) = try one()
        return try row.lsn(column)
    }

    // MARK: The same where it may be NULL

    /// The only value of the only row, as text; nil where it is NULL.
    public func optionalText() throws(ConnectionError) -> String? {
        let (row, column) = try one()
        return try row.optionalText(column)
    }

    /// The only value of the only row, a `pg_lsn`; nil where it is NULL.
    public func optionalLSN() throws(ConnectionError) -> LSN? {
        let (row, column) = try one()
        return try row.optionalLSN(column)
    }

    // MARK: Rows

    /// How many rows there are.
    public var rowCount: Int { rows.count }

    /// The value of each row; none is NULL.
    public func texts() throws(ConnectionError) -> [String] {
        let column = try onlyColumn()
        return try records.map { row throws(ConnectionError) in try row.text(column) }
    }

    private func one() throws(ConnectionError) -> (Record, String) {
        guard rows.count == 1 else { throw unread("the answer has \(rows.count) rows") }
        return (try onlyRecord(), try onlyColumn())
    }

    private func onlyColumn() throws(ConnectionError) -> String {
        guard columns.count == 1 else { throw unread("the answer has \(columns.count) columns") }
        return columns[0]
    }
}
