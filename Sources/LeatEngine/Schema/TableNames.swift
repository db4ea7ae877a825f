internal import LeatCore
internal import PGClient
internal import PGWire

/// Reads what tables are called now, by their OIDs.
struct TableNames {
    let session: Session

    /// Those that are gone are left out.
    func names(of ids: [RelationID]) throws -> [RelationID: TableName] {
        guard !ids.isEmpty else { return [:] }
        let list = ids.map { "\($0.rawValue)" }.joined(separator: ", ")
        let rows = try tables(where: "c.oid in (\(list))")
        return Dictionary(
            rows.map { (RelationID(rawValue: $0.oid), $0.name) }, uniquingKeysWith: { a, _ in a })
    }

    /// The tables that have one of these OIDs or names.
    func known(oids: [UInt32], names: [TableName]) throws -> RenamePlan.TargetNames {
        let oids = (oids.map(String.init) + ["0"]).joined(separator: ", ")
        let pairs = names.map { "(\(SQLText.literal($0.schema)), \(SQLText.literal($0.name)))" }
        let condition =
            pairs.isEmpty
            ? "false" : "(n.nspname, c.relname) in (\(pairs.joined(separator: ", ")))"
        return RenamePlan.TargetNames(try tables(where: "c.oid in (\(oids)) or \(condition)"))
    }

    /// Whether a transaction that the stream has brought is seen by a query on the source.
    ///
    /// The walsender sends it as soon as its commit record is on disk; only a moment later, or
    /// much later where the machine is busy, is it over for everybody else.
    func isVisible(_ xid: TransactionID) throws -> Bool {
        // The snapshot has 64 bits, of which the stream sends 32.
        try session.query(
            """
            with now as (select pg_catalog.pg_current_snapshot() as snapshot),
            latest as (
              select snapshot, pg_catalog.pg_snapshot_xmax(snapshot)::text::pg_catalog.int8 as xmax
              from now)
            select pg_catalog.pg_visible_in_snapshot(
              (xmax + ((($1::pg_catalog.int8 - xmax) & 4294967295) # 2147483648) - 2147483648)
                ::text::pg_catalog.xid8, snapshot)
            from latest
            """, ["\(xid.rawValue)"]
        ).scalar == "t"
    }

    private func tables(where condition: String) throws -> [(oid: UInt32, name: TableName)] {
        try session.query(
            """
            select c.oid, n.nspname, c.relname from pg_catalog.pg_class c
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p', 'v', 'm', 'f') and (\(condition))
            """
        ).rows.compactMap { row in
            guard let oid = row[0].flatMap(UInt32.init), let schema = row[1], let name = row[2]
            else { return nil }
            return (oid, TableName(schema: schema, name: name))
        }
    }
}
