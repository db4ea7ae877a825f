package import LeatCore
package import PGClient

extension Session {
    /// All types of the database.
    package func typeCatalog() throws -> TypeCatalog {
        let (labels, fields) = (try enumLabels(), try compositeFields())
        let providers = try providers()
        let rows = try query(
            """
            select t.oid, n.nspname, t.typname, t.typtype, t.typcategory,
              case when t.typtype = 'd' then t.typbasetype
                when t.typcategory = 'A' then t.typelem else coalesce(r.rngsubtype, 0) end
                as inner_type,
              t.typtypmod
            from pg_catalog.pg_type t
            join pg_catalog.pg_namespace n on n.oid = t.typnamespace
            left join pg_catalog.pg_range r on t.oid in (r.rngtypid, r.rngmultitypid)
            """
        ).records
        return TypeCatalog(
            try rows.map { row in
                let oid = try row.id("oid")
                var type = CatalogType(
                    oid: oid, schema: try row.text("nspname"), name: try row.text("typname"),
                    kind: try row.value(
                        of: "typtype", as: "a kind of type", by: CatalogType.Kind.init),
                    category: try row.value(
                        of: "typcategory", as: "a category of types", by: \.first),
                    labels: labels[oid] ?? [], fields: fields[oid] ?? [],
                    inner: try row.id("inner_type"), modifier: try row.int32("typtypmod"))
                type.provider = providers[oid]
                return type
            },
            server: .init(
                version: serverVersion, encoding: try serverEncoding()))
    }

    /// The extensions that types are parts of.
    private func providers() throws -> [UInt32: CatalogType.Provider] {
        var providers: [UInt32: CatalogType.Provider] = [:]
        for row in try query(
            """
            select d.objid, e.extname, n.nspname
            from pg_catalog.pg_depend d
            join pg_catalog.pg_extension e on e.oid = d.refobjid
            join pg_catalog.pg_namespace n on n.oid = e.extnamespace
            where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.deptype = 'e'
              and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
            """
        ).records {
            providers[try row.id("objid")] = .init(
                name: try row.text("extname"), schema: try row.text("nspname"))
        }
        return providers
    }

    private func enumLabels() throws -> [UInt32: [String]] {
        var labels: [UInt32: [String]] = [:]
        for row in try query(
            """
            select enumtypid, enumlabel from pg_catalog.pg_enum order by enumtypid, enumsortorder
            """
        ).records {
            labels[try row.id("enumtypid"), default: []].append(try row.text("enumlabel"))
        }
        return labels
    }

    /// Every table has a row type too; those that no column, array or domain is of are left out.
    private func compositeFields() throws -> [UInt32: [CatalogType.Field]] {
        var fields: [UInt32: [CatalogType.Field]] = [:]
        for row in try query(
            """
            with used as (
              select atttypid as oid from pg_catalog.pg_attribute where attnum > 0
              union select typbasetype from pg_catalog.pg_type where typbasetype <> 0),
            composite as (
              select oid from used
              union select t.typelem from used join pg_catalog.pg_type t using (oid)
              where t.typelem <> 0)
            select t.oid, '"' || pg_catalog.replace(a.attname, '"', '""') || '" '
                || pg_catalog.format_type(a.atttypid, a.atttypmod) as definition,
              a.atttypid
            from pg_catalog.pg_type t
            join composite using (oid)
            join pg_catalog.pg_attribute a on a.attrelid = t.typrelid
              and a.attnum > 0 and not a.attisdropped
            where t.typtype = 'c'
            order by t.oid, a.attnum
            """
        ).records {
            fields[try row.id("oid"), default: []].append(
                .init(
                    definition: try row.text("definition"), typeOID: try row.id("atttypid")))
        }
        return fields
    }
}
