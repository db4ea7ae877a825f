/// Times in a query's result.
package enum SQLTime {
    /// RFC 3339 in UTC, which the session's time zone is.
    package static func rfc3339(_ column: String) -> String {
        "pg_catalog.to_char(\(column), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    }
}
