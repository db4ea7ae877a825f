internal import LeatCore
internal import PGClient
internal import PGWire

/// Reads the partition trees of the source.
struct PartitionCatalog {
    let session: Session

    /// A partition as a statement would make it.
    struct Definition: Sendable {
        var name: TableName
        var parent: TableName
        var statement: String
    }

    /// All partitions under these tables, parents first.
    func definitions(under roots: [RelationID]) throws -> [Definition] {
        try session.query(
            """
            select n.nspname, c.relname, pn.nspname, p.relname,
              pg_catalog.pg_get_expr(c.relpartbound, c.oid),
              case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end
            from pg_catalog.unnest(array[\(PartitionCatalog.list(roots))]::pg_catalog.oid[])
              with ordinality r (oid, position)
            cross join lateral pg_catalog.pg_partition_tree(r.oid::pg_catalog.regclass) t
            join pg_catalog.pg_class c on c.oid = t.relid
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            join pg_catalog.pg_class p on p.oid = t.parentrelid
            join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
            where t.level > 0 order by r.position, t.level, 1, 2
            """
        ).rows.map { row in
            let name = TableName(schema: row[0] ?? "", name: row[1] ?? "")
            let parent = TableName(schema: row[2] ?? "", name: row[3] ?? "")
            let key = row[5].map { " partition by \($0)" } ?? ""
            return Definition(
                name: name, parent: parent,
                statement: """
                    create table \(name.quoted) partition of \(parent.quoted) \
                    \(row[4] ?? "default")\(key);
                    """)
        }
    }

    static func list(_ ids: [RelationID]) -> String {
        ids.map { "\($0.rawValue)" }.joined(separator: ", ")
    }
}
