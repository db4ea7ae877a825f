internal import LeatCore
internal import PGClient

extension Session {
    /// All types of the database.
    func typeCatalog() throws -> TypeCatalog {
        let parts = try parts()
        let rows = try query(
            """
            select t.oid, n.nspname, t.typname, t.typtype, t.typcategory,
              case when t.typtype = 'd' then t.typbasetype
                when t.typcategory = 'A' then t.typelem else 0 end,
              t.typtypmod
            from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
            """
        ).rows
        return TypeCatalog(
            rows.compactMap { row in
                guard let oid = row[0].flatMap(UInt32.init), let schema = row[1],
                    let name = row[2], let kind = row[3].flatMap(CatalogType.Kind.init)
                else { return nil }
                return CatalogType(
                    oid: oid, schema: schema, name: name, kind: kind,
                    category: row[4]?.first ?? "U",
                    labels: kind == .enum ? parts[oid] ?? [] : [],
                    fields: kind == .composite ? parts[oid] ?? [] : [],
                    inner: row[5].flatMap(UInt32.init) ?? 0,
                    modifier: row[6].flatMap(Int32.init) ?? -1)
            })
    }

    /// Labels of enums, fields of composite types: each in their order.
    private func parts() throws -> [UInt32: [String]] {
        let rows = try query(
            """
            select enumtypid as oid, enumlabel::pg_catalog.text, enumsortorder as position
            from pg_catalog.pg_enum
            union all
            select t.oid, '"' || pg_catalog.replace(a.attname, '"', '""') || '" '
              || pg_catalog.format_type(a.atttypid, a.atttypmod),
              a.attnum
            from pg_catalog.pg_type t
            join pg_catalog.pg_class c on c.oid = t.typrelid and c.relkind = 'c'
            join pg_catalog.pg_attribute a on a.attrelid = c.oid
              and a.attnum > 0 and not a.attisdropped
            where t.typtype = 'c'
            order by oid, position
            """
        ).rows
        var labels: [UInt32: [String]] = [:]
        for row in rows {
            guard let type = row[0].flatMap(UInt32.init), let label = row[1] else { continue }
            labels[type, default: []].append(label)
        }
        return labels
    }
}
