package import LeatCore
package import PGClient

/// Reads the rules that a table holds its rows to, or a domain its values.
package struct RuleCatalog {
    package let session: Session

    package init(session: Session) {
        self.session = session
    }

    /// - Returns: Nil if there is no such table or domain.
    package func rules(of owner: BrokenRule.Owner) throws -> [SchemaRule]? {
        switch owner {
        case .table(let name):
            guard try exists(in: "pg_class", prefix: "rel", of: name) else { return nil }
            return try constraints(name) + uniqueIndexes(name) + notNull(name)
        case .domain(let name):
            guard try exists(in: "pg_type", prefix: "typ", of: name) else { return nil }
            return try domainRules(name)
        }
    }

    /// The root of a partition; nil for what is none.
    package func root(of table: TableName) throws -> TableName? {
        try session.query(
            """
            select n.nspname, r.relname from pg_catalog.pg_class c
            join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
            join pg_catalog.pg_class r on r.oid = pg_catalog.pg_partition_root(c.oid)
            join pg_catalog.pg_namespace n on n.oid = r.relnamespace
            where cn.nspname = $1 and c.relname = $2 and c.relispartition
            """, with: [table.schema, table.name]
        ).tables().first
    }

    private func exists(in catalog: String, prefix: String, of name: TableName) throws -> Bool {
        try session.query(
            """
            select exists (select from pg_catalog.\(catalog) c
              join pg_catalog.pg_namespace n on n.oid = c.\(prefix)namespace
              where n.nspname = $1 and c.\(prefix)name = $2)
            """, with: [name.schema, name.name]
        ).bool()
    }

    // MARK: Tables

    /// The table itself, and what it inherits from.
    private static let ancestors = """
        with recursive up (oid, level) as (
          select c.oid, 0 from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where n.nspname = $1 and c.relname = $2
          union all
          select i.inhparent, u.level + 1
          from up u join pg_catalog.pg_inherits i on i.inhrelid = u.oid)
        """

    /// CHECK, foreign keys and EXCLUDE.
    private func constraints(_ table: TableName) throws -> [SchemaRule] {
        try session.query(
            """
            \(RuleCatalog.ancestors)
            select k.contype as kind, k.conname as name,
              pg_catalog.pg_get_constraintdef(k.oid) as definition, null as columns,
              n.nspname, t.relname, o.conname as origin, null as before
            from up u join pg_catalog.pg_constraint k on k.conrelid = u.oid
              and k.contype in ('c', 'f', 'x')
            cross join lateral (
              select o.conrelid, o.conname from up a
              join pg_catalog.pg_constraint o on o.conrelid = a.oid and o.contype = k.contype
              where case k.contype when 'c' then o.conname = k.conname
                else o.oid in (\(RuleCatalog.parents("k.oid"))) end
              order by a.level desc limit 1) o
            join pg_catalog.pg_class t on t.oid = o.conrelid
            join pg_catalog.pg_namespace n on n.oid = t.relnamespace
            where u.level = 0 order by k.conname
            """, with: [table.schema, table.name]
        ).records.map(RuleCatalog.rule)
    }

    /// A constraint's own OID and those of what it was made for on the roots.
    private static func parents(_ constraint: String) -> String {
        """
        with recursive chain (oid) as (
          select \(constraint)
          union all
          select c.conparentid from chain join pg_catalog.pg_constraint c on c.oid = chain.oid
          where c.conparentid <> 0)
        select oid from chain
        """
    }

    /// With the constraints that they belong to, and the foreign keys that need them.
    private func uniqueIndexes(_ table: TableName) throws -> [SchemaRule] {
        let distinct = session.serverVersion >= 150_000 ? "not i.indnullsnotdistinct" : "true"
        return try session.query(
            """
            \(RuleCatalog.ancestors)
            select coalesce(k.contype, 'i') as kind, x.relname as name,
              coalesce(pg_catalog.pg_get_constraintdef(k.oid), pg_catalog.regexp_replace(
                pg_catalog.pg_get_indexdef(i.indexrelid), '^.*? USING ', '')) as definition,
              pg_catalog.array_to_json(case when i.indexprs is null and i.indpred is null
                and \(distinct) and x.relam = 403 then \(RuleCatalog.plainColumns) end) as columns,
              n.nspname, t.relname, ox.relname as origin,
              pg_catalog.array_to_json(\(RuleCatalog.references("ok.oid"))) as before
            from up u join pg_catalog.pg_index i on i.indrelid = u.oid and i.indisunique
            join pg_catalog.pg_class x on x.oid = i.indexrelid
            left join pg_catalog.pg_constraint k on k.conindid = i.indexrelid
              and k.conrelid = i.indrelid and k.contype in ('p', 'u')
            cross join lateral (
              with recursive chain (oid, level) as (
                select i.indexrelid, 0
                union all
                select h.inhparent, chain.level + 1
                from chain join pg_catalog.pg_inherits h on h.inhrelid = chain.oid)
              select oid from chain order by level desc limit 1) o
            join pg_catalog.pg_index oi on oi.indexrelid = o.oid
            join pg_catalog.pg_class ox on ox.oid = o.oid
            left join pg_catalog.pg_constraint ok on ok.conindid = o.oid
              and ok.conrelid = oi.indrelid and ok.contype in ('p', 'u')
            join pg_catalog.pg_class t on t.oid = oi.indrelid
            join pg_catalog.pg_namespace n on n.oid = t.relnamespace
            where u.level = 0 order by x.relname
            """, with: [table.schema, table.name]
        ).records.map(RuleCatalog.rule)
    }

    /// NULL if one of the key's columns has another operator class or collation than its own.
    private static let plainColumns = """
        (select case when pg_catalog.bool_and(p.opcdefault and i.indcollation[s] = a.attcollation)
            then pg_catalog.array_agg(a.attname::pg_catalog.text order by s) end
          from pg_catalog.generate_series(0, i.indnkeyatts - 1) s
          join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[s]
          join pg_catalog.pg_opclass p on p.oid = i.indclass[s])
        """

    /// Foreign keys that need a constraint's index.
    private static func references(_ constraint: String) -> String {
        """
        array(select pg_catalog.format('alter table %s drop constraint %I;',
            f.conrelid::pg_catalog.regclass, f.conname)
          from pg_catalog.pg_constraint f
          where f.contype = 'f' and f.conparentid = 0 and f.conindid = (
            select c.conindid from pg_catalog.pg_constraint c where c.oid = \(constraint))
          order by 1)
        """
    }

    /// A column that is an identity, or in the index of the replica identity, has to be NOT NULL.
    private func notNull(_ table: TableName) throws -> [SchemaRule] {
        try session.query(
            """
            \(RuleCatalog.ancestors)
            select 'n' as kind, a.attname as name, 'NOT NULL' as definition, null as columns,
              n.nspname, t.relname, o.attname as origin,
              pg_catalog.array_to_json(pg_catalog.array_remove(array[
                case when o.attidentity <> '' then pg_catalog.format(
                  'alter table %s alter column %I drop identity;',
                  o.attrelid::pg_catalog.regclass, o.attname) end,
                case when exists (select from pg_catalog.pg_index i
                    where i.indrelid = u.oid and i.indisreplident and a.attnum = any (i.indkey))
                  then pg_catalog.format('alter table %s replica identity default;',
                    u.oid::pg_catalog.regclass) end], null)) as before
            from up u join pg_catalog.pg_attribute a on a.attrelid = u.oid
              and a.attnum > 0 and not a.attisdropped and a.attnotnull
            cross join lateral (
              select o.* from up s join pg_catalog.pg_attribute o on o.attrelid = s.oid
                and o.attname = a.attname and o.attnotnull and o.attnum > 0
              order by s.level desc limit 1) o
            join pg_catalog.pg_class t on t.oid = o.attrelid
            join pg_catalog.pg_namespace n on n.oid = t.relnamespace
            where u.level = 0 order by a.attnum
            """, with: [table.schema, table.name]
        ).records.map(RuleCatalog.rule)
    }

    // MARK: Domains

    private func domainRules(_ domain: TableName) throws -> [SchemaRule] {
        try session.query(
            """
            select 'c' as kind, k.conname as name,
              pg_catalog.pg_get_constraintdef(k.oid) as definition, null as columns,
              $1 as nspname, $2 as relname, k.conname as origin, null as before
            from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
            join pg_catalog.pg_constraint k on k.contypid = t.oid and k.contype = 'c'
            where n.nspname = $1 and t.typname = $2
            union all
            select 'n', t.typname, 'NOT NULL', null, $1, $2, t.typname, null
            from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
            where n.nspname = $1 and t.typname = $2 and t.typnotnull
            order by 1, 2
            """, with: [domain.schema, domain.name]
        ).records.map(RuleCatalog.rule)
    }

    private static func rule(_ row: Record) throws -> SchemaRule {
        SchemaRule(
            kind: try row.value(of: "kind", as: "a kind of rule", by: SchemaRule.Kind.init),
            name: try row.text("name"), definition: try row.text("definition"),
            columns: try row.stringsIfAny("columns"), origin: try row.table(),
            originName: try row.text("origin"), before: try row.stringsIfAny("before"))
    }
}
