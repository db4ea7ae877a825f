internal import LeatCore

extension TargetCatalog {
    /// A row for each table that is there.
    ///
    /// Each part looks at all tables at once: a subquery for each table may read a whole catalog
    /// every time, half a second for a thousand tables.
    static func tablesQuery(_ names: [TableName]) -> String {
        """
        with wanted as materialized (
          select c.oid, c.relkind, c.relpersistence, c.relname, n.oid as schema, n.nspname
          from unnest(\(SQLText.textArray(names.map(\.schema))),
            \(SQLText.textArray(names.map(\.name)))) t (schema_name, table_name)
          join pg_catalog.pg_namespace n on n.nspname = t.schema_name
          join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.table_name
          where c.relkind in ('r', 'p', 'v', 'm', 'f')
        ), parts as materialized (
          select oid as root, oid as relid from wanted
          union
          select w.oid, p.relid from wanted w, pg_catalog.pg_partition_tree(w.oid) p
          where w.relkind = 'p'
        ), triggers as (\(triggers)), rules as (\(rules)), indexes as (\(indexes)),
        sequences as (\(sequences))
        select w.nspname, w.relname, w.oid, w.relkind, w.relpersistence,
          pg_catalog.array_to_string(array(
            select p from pg_catalog.unnest(
              '{SELECT,INSERT,UPDATE,DELETE}'::pg_catalog.text[]) p
            where not pg_catalog.has_table_privilege(w.oid, p)), ', ') as lacking,
          pg_catalog.has_schema_privilege(w.schema, 'usage') as has_usage,
          t.root is not null or r.root is not null as fires,
          w.relkind in ('r', 'p') and pg_catalog.row_security_active(w.oid) as is_secured,
          i.has_several, s.root is null as can_restart,
          coalesce(t.may_leave_out, false) or coalesce(r.is_instead, false) as may_leave_out,
          i.locks
        from wanted w join indexes i on i.root = w.oid
        left join triggers t on t.root = w.oid
        left join rules r on r.root = w.oid
        left join sequences s on s.root = w.oid
        """
    }

    /// Triggers of the tables and of their partitions that fire under the session's role. A foreign
    /// key is a trigger, too.
    ///
    /// Bits 0 and 1 of `tgtype`: for each row, before it. Whoever returns NULL there leaves the
    /// row out, which is no error; and so may a rule that does something else instead.
    private static let triggers = """
        select p.root, pg_catalog.bool_or(
            not g.tgisinternal and (g.tgtype & 3::pg_catalog.int2) = 3) as may_leave_out
        from parts p join pg_catalog.pg_trigger g on g.tgrelid = p.relid
        where g.tgenabled = any (\(firingModes))
        group by p.root
        """

    private static let rules = """
        select w.oid as root, pg_catalog.bool_or(r.is_instead) as is_instead
        from wanted w join pg_catalog.pg_rewrite r on r.ev_class = w.oid
        where r.ev_type <> '1' and r.ev_enabled = any (\(firingModes))
        group by w.oid
        """

    private static let firingModes = """
        case pg_catalog.current_setting('session_replication_role')
          when 'replica' then '{A,R}'::"char"[] else '{A,O}'::"char"[] end
        """

    /// What a transaction locks that writes to the table: partitions and indexes as well. And
    /// whether it, or one of its partitions, which may have more than their root, has several
    /// constraints.
    private static let indexes = """
        select root, pg_catalog.bool_or(constraints > 1) as has_several,
          (pg_catalog.count(*) + pg_catalog.sum(indexes))::pg_catalog.int8 as locks
        from (
          select p.root, pg_catalog.count(i.indexrelid) as indexes,
            pg_catalog.count(*) filter (where i.indisunique or i.indisexclusion) as constraints
          from parts p left join pg_catalog.pg_index i on i.indrelid = p.relid
          group by p.root, p.relid
        ) each
        group by root
        """

    /// What TRUNCATE ... RESTART IDENTITY asks for beyond TRUNCATE: sequences of others.
    private static let sequences = """
        select distinct p.root
        from parts p
        join pg_catalog.pg_depend d on d.refobjid = p.relid
          and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
          and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
          and d.deptype in ('a', 'i')
        join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S'
          and not pg_catalog.pg_has_role(s.relowner, 'usage')
        """
}
