package import LeatCore
package import PGClient
package import PGWire

/// Reads the partition trees of the source.
package struct PartitionCatalog {
    package let session: Session

    package init(session: Session) {
        self.session = session
    }

    /// A partition as a statement would make it.
    package struct Definition: Sendable {
        package var name: TableName
        package var parent: TableName
        /// What stands behind the names.
        package var clauses: String

        package var statement: String {
            "create table \(name.quoted) partition of \(parent.quoted) \(clauses);"
        }
    }

    /// All partitions under these tables, parents first.
    package func definitions(under roots: [RelationID]) throws -> [Definition] {
        try session.query(
            """
            select n.nspname, c.relname, pn.nspname as parent_schema, p.relname as parent,
              pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bound,
              case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end as key
            from pg_catalog.unnest(\(PartitionCatalog.list(roots)))
              with ordinality r (oid, position)
            cross join lateral pg_catalog.pg_partition_tree(r.oid::pg_catalog.regclass) t
            join pg_catalog.pg_class c on c.oid = t.relid
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            join pg_catalog.pg_class p on p.oid = t.parentrelid
            join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
            where t.level > 0 order by r.position, t.level, 1, 2
            """
        ).records.map { row in
            let (name, parent) = (try row.table(), try row.table("parent_schema", name: "parent"))
            let key = try row.optionalText("key").map { " partition by \($0)" } ?? ""
            return Definition(
                name: name, parent: parent, clauses: "\(try row.text("bound"))\(key)")
        }
    }

    /// By their names, what partitions are partitions of.
    package func parents(of names: [TableName]) throws -> [TableName: TableName] {
        let rows = try session.query(
            """
            select n.nspname, c.relname, pn.nspname as parent_schema, p.relname as parent
            from unnest(\(SQLText.textArray(names.map(\.schema))),
              \(SQLText.textArray(names.map(\.name)))) v (schema_name, table_name)
            join pg_catalog.pg_namespace n on n.nspname = v.schema_name
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = v.table_name
              and c.relispartition
            join pg_catalog.pg_inherits i on i.inhrelid = c.oid
            join pg_catalog.pg_class p on p.oid = i.inhparent
            join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
            """
        ).records.map { (try $0.table(), try $0.table("parent_schema", name: "parent")) }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// By their names, what tables are partitions of, the nearest first.
    package func ancestors(of ids: [RelationID]) throws -> [TableName: [TableName]] {
        let rows = try session.query(
            """
            select n.nspname, c.relname, an.nspname as root_schema, a.relname as root
            from unnest(\(PartitionCatalog.list(ids))) v (oid)
            join pg_catalog.pg_class c on c.oid = v.oid and c.relispartition
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            cross join lateral pg_catalog.pg_partition_ancestors(c.oid::pg_catalog.regclass)
              with ordinality p (oid, position)
            join pg_catalog.pg_class a on a.oid = p.oid and a.oid <> c.oid
            join pg_catalog.pg_namespace an on an.oid = a.relnamespace
            order by 1, 2, p.position
            """
        ).records.map { (try $0.table(), try $0.table("root_schema", name: "root")) }
        return Dictionary(rows.map { ($0, [$1]) }, uniquingKeysWith: +)
    }

    package static func list(_ ids: [RelationID]) -> String {
        SQLText.oidArray(ids.map(\.rawValue))
    }
}

extension PartitionCatalog {
    /// All partitions under these roots now, and which of those that are new brought rows.
    ///
    /// One that was made by `create table ... partition of` began empty, and all its rows came
    /// by the stream. Its rows in pg_inherits and in pg_attribute (of a system column, which
    /// nothing updates) are of one transaction then. Otherwise it was attached; it brought
    /// nothing if it is empty now.
    package func found(under roots: [RelationID], _ book: PartitionBook) throws -> [PartitionBook
        .Found]
    {
        let known = roots.flatMap { book.known(under: $0) }
        let attached = """
            i.inhrelid <> all (\(PartitionCatalog.list(known)))
              and i.xmin::pg_catalog.text is distinct from (
                select a.xmin::pg_catalog.text from pg_catalog.pg_attribute a
                where a.attrelid = i.inhrelid and a.attnum = -6)
            """
        return try session.query(
            """
            with recursive member (root, oid, attached) as (
              select i.inhparent, i.inhrelid, \(attached) from pg_catalog.pg_inherits i
              where not i.inhdetachpending
                and i.inhparent = any (\(PartitionCatalog.list(roots)))
              union all
              select m.root, i.inhrelid, m.attached or \(attached)
              from member m join pg_catalog.pg_inherits i on i.inhparent = m.oid
              where not i.inhdetachpending)
            select m.root, m.oid, n.nspname, c.relname, m.attached,
              case when c.relkind = 'r' then coalesce(pg_catalog.pg_relation_size(m.oid), 0)
                else 0 end > 0 as has_rows
            from member m join pg_catalog.pg_class c on c.oid = m.oid
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            order by 1, 2
            """
        ).records.map { row in
            let (id, name) = (try row.relation("oid"), try row.table())
            let isNew = !known.contains(id)
            let brought =
                try isNew && row.bool("has_rows")
                && (row.bool("attached") || broughtRowsInOneTransaction(name, id: id))
            return PartitionBook.Found(
                root: try row.relation("root"), id: id, name: name, broughtRows: brought)
        }
    }

    /// Made, filled and attached by one transaction: rows of it that are older than the
    /// attachment, among the first of the table.
    private func broughtRowsInOneTransaction(_ name: TableName, id: RelationID) throws -> Bool {
        do {
            return try session.query(
                """
                select exists (select from only \(name.quoted) t, pg_catalog.pg_inherits i
                  where i.inhrelid = \(id.rawValue)::pg_catalog.oid and t.xmin = i.xmin
                    and t.ctid < '(1000,0)'::pg_catalog.tid
                    and t.cmin::pg_catalog.text::pg_catalog.int8
                      < i.cmin::pg_catalog.text::pg_catalog.int8)
                """
            ).bool()
        } catch {
            // A role may read the root and not its partitions.
            guard error.sqlState == .insufficientPrivilege else { throw error }
            return true
        }
    }
}
