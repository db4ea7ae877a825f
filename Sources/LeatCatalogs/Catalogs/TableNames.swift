package import LeatCore
package import PGClient
package import PGWire

/// Reads what tables are called now, by their OIDs.
package struct TableNames {
    package let session: Session

    package init(session: Session) {
        self.session = session
    }

    /// Those that are gone are left out.
    package func names(of ids: [RelationID]) throws -> [RelationID: TableName] {
        guard !ids.isEmpty else { return [:] }
        let rows = try tables(where: "c.oid = any (\(SQLText.oidArray(ids.map(\.rawValue))))")
        return Dictionary(
            rows.map { (RelationID(rawValue: $0.oid), $0.name) }, uniquingKeysWith: { a, _ in a })
    }

    /// The tables that have one of these OIDs or names.
    package func known(oids: [UInt32], names: [TableName]) throws -> RenamePlan.TargetNames {
        // Two hashed lists: pairs in an IN list would be compared one by one, and nest too deeply.
        let condition = """
            c.oid = any (\(SQLText.oidArray(oids))) or (n.nspname, c.relname) in (
              select s, t from unnest(\(SQLText.textArray(names.map(\.schema))),
                \(SQLText.textArray(names.map(\.name)))) v (s, t))
            """
        return RenamePlan.TargetNames(
            try tables(where: condition),
            missingSchemas: try missing(schemas: names.map(\.schema)))
    }

    private func missing(schemas: [String]) throws -> [String] {
        try session.query(
            """
            select distinct s from unnest(\(SQLText.textArray(schemas))) s
            where pg_catalog.to_regnamespace(pg_catalog.quote_ident(s)) is null order by 1
            """
        ).texts()
    }

    private func tables(where condition: String) throws -> [(oid: UInt32, name: TableName)] {
        try session.query(
            """
            select c.oid, n.nspname, c.relname from pg_catalog.pg_class c
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p', 'v', 'm', 'f') and (\(condition))
            """
        ).records.map { (try $0.id("oid"), try $0.table()) }
    }
}
