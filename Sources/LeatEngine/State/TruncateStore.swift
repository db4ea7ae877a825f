internal import LeatCore
internal import PGClient
internal import PGWire

/// Reads and writes `leat.truncates` for one stream.
///
/// The transaction that truncates says so itself, so that no crash comes between: what the source's
/// tables are is looked at now and then, and a file that nobody truncated was unlogged.
struct TruncateStore {
    let session: Session
    let stream: StreamName

    /// - Returns: A statement and its values, for whoever applies a truncate.
    static func note(_ truncates: [AppliedTruncate], of stream: StreamName) -> (String, [String]) {
        let sql = """
            insert into leat.truncates (stream, source_oid, xid, is_refilled)
            select distinct on (v.source_oid) $1, v.source_oid, v.xid::pg_catalog.int8, v.is_refilled
            from unnest(\(SQLText.oidArray(truncates.map(\.table.rawValue))),
              \(SQLText.oidArray(truncates.map(\.xid.rawValue))),
              \(SQLText.booleanArray(truncates.map(\.isRefilled)))) v (source_oid, xid, is_refilled)
            order by v.source_oid, v.is_refilled desc
            on conflict (stream, source_oid, xid) do update
              set is_refilled = leat.truncates.is_refilled or excluded.is_refilled
            """
        return (sql, [stream.text])
    }

    func read() throws -> [AppliedTruncate] {
        try session.query(
            "select source_oid, xid, is_refilled from leat.truncates where stream = $1",
            with: [stream.text]
        ).records.map { row in
            AppliedTruncate(
                table: RelationID(rawValue: try row.id("source_oid")),
                xid: TransactionID(rawValue: try row.id("xid")),
                isRefilled: try row.bool("is_refilled"))
        }
    }

    /// Forgets truncates that what is known of the tables has seen.
    func forget(_ truncates: [AppliedTruncate]) throws {
        guard !truncates.isEmpty else { return }
        try session.query(
            """
            delete from leat.truncates t
            using unnest(\(SQLText.oidArray(truncates.map(\.table.rawValue))),
              \(SQLText.oidArray(truncates.map(\.xid.rawValue)))) v (source_oid, xid)
            where t.stream = $1 and t.source_oid = v.source_oid
              and t.xid = v.xid::pg_catalog.int8
            """, with: [stream.text])
    }
}
