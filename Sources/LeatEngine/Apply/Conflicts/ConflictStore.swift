internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// Writes to `leat.conflicts` for one stream.
struct ConflictStore {
    let session: Session
    let stream: StreamName
    /// Whether the key's values are stored too: `--show-values`.
    var storesValues = false

    /// Within the transaction that resolves the conflict: a crash neither loses nor doubles it.
    func add(
        _ failure: ApplyFailure, as kind: ConflictKind, by policy: ConflictPolicy,
        at place: ChangePlace, in target: TableName
    ) throws {
        guard let table = place.relation.map(TableName.init) else { return }
        let (error, isOther) = (failure.serverError, target != table)
        let values = storesValues ? ConflictStore.array(place.keyValues) : "null"
        try session.query(
            """
            insert into leat.conflicts (stream, lsn, xid, schema_name, table_name, kind, policy,
              key_columns, key_values, constraint_name, message, target_schema, target_table)
            values ($1, $2::pg_catalog.pg_lsn, $3::pg_catalog.int8, $4, $5, $6, $7,
              \(SQLText.textArray(place.keyColumns)), \(values), $8, $9, $10, $11)
            """,
            with: [
                stream.text, "\(place.lsn)", "\(place.xid)", table.schema, table.name,
                kind.rawValue, policy.rawValue, error?.constraint,
                error?.withoutValues.message, isOther ? target.schema : nil,
                isOther ? target.name : nil,
            ])
    }

    private static func array(_ values: [String?]) -> String {
        let elements = values.map { $0.map(SQLText.literal) ?? "null" }
        return "array[\(elements.joined(separator: ", "))]::pg_catalog.text[]"
    }
}

extension [ConflictCount] {
    mutating func add(_ kind: ConflictKind, by policy: ConflictPolicy, at place: ChangePlace) {
        let table = place.tables
        guard let index = firstIndex(where: { $0.table == table && $0.kind == kind }) else {
            return append(
                ConflictCount(
                    table: table, kind: kind, policy: policy, firstLSN: place.lsn, count: 1))
        }
        self[index].count += 1
    }
}
