internal import LeatCatalogs
internal import LeatCore
internal import PGClient

/// Reads what a database's catalogs say of its schema.
///
/// Left out are what belongs to the server, to Leat, to an extension and to a session, and what the
/// server makes by itself: indexes of constraints, triggers of foreign keys, rules of views.
struct SchemaCatalog {
    let session: Session

    /// All of one snapshot.
    func facts() throws -> SchemaFacts {
        try session.inOneSnapshot {
            var facts = SchemaFacts()
            for (kind, query) in SchemaCatalog.queries {
                for row in try session.query(query).records {
                    guard let value = try row.optionalText("value") else { continue }
                    facts.add(
                        SchemaObject(kind: kind, name: try row.text("object")),
                        ofTable: try row.optionalText("parent"), try row.text("property"),
                        is: value)
                }
            }
            return facts
        }
    }

    /// Each has the columns object, parent (the table it goes with, or null), property and value (null:
    /// it has none).
    private static let queries: [(SchemaKind, String)] = [
        (.database, database), (.schema, schemas), (.extension, extensions),
        (.collation, collations), (.type, enums), (.type, domains), (.type, composites),
        (.type, ranges), (.sequence, sequences), (.table, tables), (.column, columns),
        (.constraint, constraints), (.constraint, domainConstraints), (.index, indexes),
        (.view, views), (.function, functions), (.function, aggregates), (.trigger, triggers),
        (.rule, rules), (.policy, policies),
    ]

    /// A schema that is the application's.
    ///
    /// - Parameter schema: The alias of `pg_namespace` in a query.
    static func isOwn(_ schema: String) -> String {
        """
        \(schema).nspname !~ '^pg_' and \(schema).nspname not in ('information_schema', 'leat')
        """
    }

    private static func isOfNoExtension(_ oid: String, of catalog: String) -> String {
        """
        not exists (select from pg_catalog.pg_depend e where e.deptype = 'e' and e.objid = \(oid)
          and e.classid = 'pg_catalog.\(catalog)'::pg_catalog.regclass)
        """
    }

    // MARK: The database

    private static let database = """
        select 'database' as object, null as parent, p.property, p.value
        from pg_catalog.pg_database d, pg_catalog.to_jsonb(d) j, lateral (values
          ('encoding', pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text),
          ('collate', d.datcollate::pg_catalog.text), ('ctype', d.datctype::pg_catalog.text),
          ('locale provider', j ->> 'datlocprovider'),
          ('locale', coalesce(j ->> 'datlocale', j ->> 'daticulocale')),
          ('collation version', j ->> 'datcollversion')) p (property, value)
        where d.datname = pg_catalog.current_database()
        """

    private static let schemas = """
        select pg_catalog.quote_ident(n.nspname) as object, null as parent, 'kind' as property,
          'schema' as value
        from pg_catalog.pg_namespace n
        where \(isOwn("n")) and \(isOfNoExtension("n.oid", of: "pg_namespace"))
        """

    private static let extensions = """
        select pg_catalog.quote_ident(e.extname) as object, null as parent, p.property, p.value
        from pg_catalog.pg_extension e
        join pg_catalog.pg_namespace n on n.oid = e.extnamespace, lateral (values
          ('version', e.extversion), ('schema', pg_catalog.quote_ident(n.nspname))) p (property, value)
        where e.extname <> 'plpgsql'
        """

    private static let collations = """
        select pg_catalog.format('%I.%I', n.nspname, c.collname) as object, null as parent,
          p.property, p.value
        from pg_catalog.pg_collation c
        join pg_catalog.pg_namespace n on n.oid = c.collnamespace,
        pg_catalog.to_jsonb(c) j, lateral (values
          ('provider', c.collprovider::pg_catalog.text),
          ('deterministic', c.collisdeterministic::pg_catalog.text),
          ('collate', j ->> 'collcollate'), ('ctype', j ->> 'collctype'),
          ('locale', coalesce(j ->> 'colllocale', j ->> 'colliculocale')),
          ('version', j ->> 'collversion')) p (property, value)
        where \(isOwn("n")) and \(isOfNoExtension("c.oid", of: "pg_collation"))
        """

    // MARK: Types

    private static let type = "pg_catalog.format('%I.%I', n.nspname, t.typname)"
    private static let ofTypes = """
        from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
        """
    private static let isOwnType = "\(isOwn("n")) and \(isOfNoExtension("t.oid", of: "pg_type"))"

    private static let enums = """
        select \(type) as object, null as parent, 'labels' as property,
          (select pg_catalog.string_agg(pg_catalog.quote_literal(l.enumlabel), ', '
            order by l.enumsortorder)
          from pg_catalog.pg_enum l where l.enumtypid = t.oid) as value
        \(ofTypes) where t.typtype = 'e' and \(isOwnType)
        union all
        select \(type), null, 'kind', 'enum' \(ofTypes) where t.typtype = 'e' and \(isOwnType)
        """

    private static let domains = """
        select \(type) as object, null as parent, p.property, p.value
        \(ofTypes), lateral (values
          ('kind', 'domain'),
          ('type', pg_catalog.format_type(t.typbasetype, t.typtypmod)),
          ('not null', t.typnotnull::pg_catalog.text), ('default', t.typdefault),
          ('collation', (select pg_catalog.format('%I.%I', m.nspname, c.collname)
            from pg_catalog.pg_collation c
            join pg_catalog.pg_namespace m on m.oid = c.collnamespace
            join pg_catalog.pg_type b on b.oid = t.typbasetype
            where c.oid = t.typcollation and t.typcollation <> b.typcollation))
          ) p (property, value)
        where t.typtype = 'd' and \(isOwnType)
        """

    /// Those of tables are their columns.
    private static let composites = """
        select \(type) as object, null as parent, p.property, p.value
        \(ofTypes) join pg_catalog.pg_class c on c.oid = t.typrelid and c.relkind = 'c',
        lateral (values ('kind', 'composite'),
          ('fields', (select pg_catalog.string_agg(pg_catalog.format('%I %s', a.attname,
              pg_catalog.format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum)
            from pg_catalog.pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped))) p (property, value)
        where t.typtype = 'c' and \(isOwnType)
        """

    private static let ranges = """
        select \(type) as object, null as parent, p.property, p.value
        \(ofTypes) join pg_catalog.pg_range r on r.rngtypid = t.oid, lateral (values
          ('kind', 'range'), ('type', pg_catalog.format_type(r.rngsubtype, null))) p (property, value)
        where t.typtype = 'r' and \(isOwnType)
        """

    // MARK: Tables

    private static let relation = "pg_catalog.format('%I.%I', n.nspname, c.relname)"
    private static let ofRelations = """
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        """
    private static let isOwnRelation = """
        c.relpersistence <> 't' and \(isOwn("n")) and \(isOfNoExtension("c.oid", of: "pg_class"))
        """
    private static let isOwnTable = "c.relkind in ('r', 'p', 'f') and \(isOwnRelation)"

    private static let sequences = """
        select \(relation) as object, null as parent, p.property, p.value
        \(ofRelations) join pg_catalog.pg_sequence s on s.seqrelid = c.oid, lateral (values
          ('type', pg_catalog.format_type(s.seqtypid, null)),
          ('start', s.seqstart::pg_catalog.text), ('increment', s.seqincrement::pg_catalog.text),
          ('minimum', s.seqmin::pg_catalog.text), ('maximum', s.seqmax::pg_catalog.text),
          ('cache', s.seqcache::pg_catalog.text), ('cycle', s.seqcycle::pg_catalog.text),
          ('owned by', (select pg_catalog.format('%I.%I.%I', m.nspname, o.relname, a.attname)
            from pg_catalog.pg_depend d
            join pg_catalog.pg_class o on o.oid = d.refobjid
            join pg_catalog.pg_namespace m on m.oid = o.relnamespace
            join pg_catalog.pg_attribute a on a.attrelid = o.oid and a.attnum = d.refobjsubid
            where d.objid = c.oid and d.deptype in ('a', 'i') and d.refobjsubid > 0
              and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
              and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass limit 1))
          ) p (property, value)
        where \(isOwnRelation)
        """

    private static let tables = """
        select \(relation) as object, null as parent, p.property, p.value
        \(ofRelations), lateral (values
          ('kind', case c.relkind when 'p' then 'partitioned table' when 'f' then 'foreign table'
            else 'table' end),
          ('persistence', case c.relpersistence when 'u' then 'unlogged' else 'permanent' end),
          ('replica identity', case c.relreplident when 'd' then 'default' when 'f' then 'full'
            when 'n' then 'nothing' else 'index ' || (
              select pg_catalog.quote_ident(x.relname) from pg_catalog.pg_index i
              join pg_catalog.pg_class x on x.oid = i.indexrelid
              where i.indrelid = c.oid and i.indisreplident) end),
          ('partition key', case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end),
          ('partition bound', pg_catalog.pg_get_expr(c.relpartbound, c.oid)),
          ('parents', (select pg_catalog.string_agg(
              pg_catalog.format('%I.%I', m.nspname, o.relname), ', ' order by h.inhseqno)
            from pg_catalog.pg_inherits h join pg_catalog.pg_class o on o.oid = h.inhparent
            join pg_catalog.pg_namespace m on m.oid = o.relnamespace where h.inhrelid = c.oid)),
          ('of type', case when c.reloftype <> 0 then
            pg_catalog.format_type(c.reloftype, null) end),
          ('options', pg_catalog.array_to_string(c.reloptions, ', ')),
          ('row security', case when c.relrowsecurity then
            case when c.relforcerowsecurity then 'forced' else 'enabled' end end)
          ) p (property, value)
        where \(isOwnTable)
        """

    private static let columns = """
        select pg_catalog.format('%I.%I.%I', n.nspname, c.relname, a.attname) as object,
          \(relation) as parent, p.property, p.value
        \(ofRelations)
        join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0
          and not a.attisdropped
        join pg_catalog.pg_type t on t.oid = a.atttypid
        left join pg_catalog.pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum,
        lateral (values
          ('type', pg_catalog.format_type(a.atttypid, a.atttypmod)),
          ('collation', (select pg_catalog.format('%I.%I', m.nspname, l.collname)
            from pg_catalog.pg_collation l
            join pg_catalog.pg_namespace m on m.oid = l.collnamespace
            where l.oid = a.attcollation and a.attcollation <> t.typcollation)),
          ('not null', a.attnotnull::pg_catalog.text),
          ('default', case when a.attgenerated = '' then
            pg_catalog.pg_get_expr(d.adbin, d.adrelid) end),
          ('generated', case a.attgenerated
            when 's' then pg_catalog.pg_get_expr(d.adbin, d.adrelid) || ' stored'
            when 'v' then pg_catalog.pg_get_expr(d.adbin, d.adrelid) || ' virtual' end),
          ('identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end)
          ) p (property, value)
        where \(isOwnTable)
        """

    /// Those of NOT NULL (18) are their columns'.
    private static let constraints = """
        select pg_catalog.format('%I.%I.%I', n.nspname, c.relname, k.conname) as object,
          \(relation) as parent, p.property, p.value
        \(ofRelations)
        join pg_catalog.pg_constraint k on k.conrelid = c.oid and k.contype in ('p', 'u', 'f', 'c', 'x')
          and k.conparentid = 0,
        lateral (values
          ('definition', pg_catalog.regexp_replace(
            pg_catalog.pg_get_constraintdef(k.oid), ' NOT VALID$', '')),
          ('valid', k.convalidated::pg_catalog.text)) p (property, value)
        where \(isOwnTable)
        """

    private static let domainConstraints = """
        select pg_catalog.format('%I.%I.%I', n.nspname, t.typname, k.conname) as object,
          null as parent, p.property, p.value
        \(ofTypes)
        join pg_catalog.pg_constraint k on k.contypid = t.oid and k.contype = 'c',
        lateral (values
          ('definition', pg_catalog.regexp_replace(
            pg_catalog.pg_get_constraintdef(k.oid), ' NOT VALID$', '')),
          ('valid', k.convalidated::pg_catalog.text)) p (property, value)
        where t.typtype = 'd' and \(isOwnType)
        """

    private static let indexes = """
        select pg_catalog.format('%I.%I', n.nspname, x.relname) as object, \(relation) as parent,
          p.property, p.value
        \(ofRelations)
        join pg_catalog.pg_index i on i.indrelid = c.oid
        join pg_catalog.pg_class x on x.oid = i.indexrelid,
        lateral (values ('definition', pg_catalog.pg_get_indexdef(i.indexrelid)),
          ('valid', i.indisvalid::pg_catalog.text)) p (property, value)
        where (\(isOwnTable) or c.relkind = 'm' and \(isOwnRelation)) and not x.relispartition
          and not exists (select from pg_catalog.pg_constraint k
            where k.conindid = x.oid and k.contype in ('p', 'u', 'x'))
        """

    private static let views = """
        select \(relation) as object, null as parent, p.property, p.value
        \(ofRelations), lateral (values
          ('kind', case c.relkind when 'm' then 'materialized view' else 'view' end),
          ('definition', pg_catalog.pg_get_viewdef(c.oid)),
          ('options', pg_catalog.array_to_string(c.reloptions, ', '))) p (property, value)
        where c.relkind in ('v', 'm') and \(isOwnRelation)
        """

    // MARK: Code

    private static let function = """
        pg_catalog.format('%I.%I(%s)', n.nspname, f.proname,
          pg_catalog.pg_get_function_identity_arguments(f.oid))
        """
    private static let ofFunctions = """
        from pg_catalog.pg_proc f join pg_catalog.pg_namespace n on n.oid = f.pronamespace
        """
    private static let isOwnFunction =
        "\(isOwn("n")) and \(isOfNoExtension("f.oid", of: "pg_proc"))"

    /// Those that come with a range or multirange are the type's.
    private static let functions = """
        select \(function) as object, null as parent, 'definition' as property,
          pg_catalog.pg_get_functiondef(f.oid) as value
        \(ofFunctions)
        where f.prokind <> 'a' and \(isOwnFunction)
          and not exists (select from pg_catalog.pg_depend d where d.objid = f.oid
            and d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.deptype = 'i')
        """

    private static let aggregates = """
        select \(function) as object, null as parent, 'definition' as property,
          pg_catalog.concat_ws(', ', 'sfunc = ' || g.aggtransfn::pg_catalog.oid::pg_catalog.regprocedure::pg_catalog.text,
            'stype = ' || pg_catalog.format_type(g.aggtranstype, null),
            case when g.aggfinalfn::pg_catalog.oid <> 0 then
              'finalfunc = ' || g.aggfinalfn::pg_catalog.oid::pg_catalog.regprocedure::pg_catalog.text end,
            case when g.aggcombinefn::pg_catalog.oid <> 0 then
              'combinefunc = ' || g.aggcombinefn::pg_catalog.oid::pg_catalog.regprocedure::pg_catalog.text end,
            'initcond = ' || pg_catalog.quote_literal(g.agginitval)) as value
        \(ofFunctions) join pg_catalog.pg_aggregate g on g.aggfnoid = f.oid
        where f.prokind = 'a' and \(isOwnFunction)
        """

    private static let triggers = """
        select pg_catalog.format('%I.%I.%I', n.nspname, c.relname, g.tgname) as object,
          \(relation) as parent, p.property, p.value
        \(ofRelations) join pg_catalog.pg_trigger g on g.tgrelid = c.oid and not g.tgisinternal
          and g.tgparentid = 0,
        lateral (values ('definition', pg_catalog.pg_get_triggerdef(g.oid)),
          ('enabled', case g.tgenabled when 'O' then 'origin' when 'R' then 'replica'
            when 'A' then 'always' else 'disabled' end)) p (property, value)
        where c.relkind in ('r', 'p', 'f', 'v') and \(isOwnRelation)
        """

    private static let rules = """
        select pg_catalog.format('%I.%I.%I', n.nspname, c.relname, r.rulename) as object,
          \(relation) as parent, p.property, p.value
        \(ofRelations) join pg_catalog.pg_rewrite r on r.ev_class = c.oid and r.rulename <> '_RETURN',
        lateral (values ('definition', pg_catalog.pg_get_ruledef(r.oid)),
          ('enabled', case r.ev_enabled when 'O' then 'origin' when 'R' then 'replica'
            when 'A' then 'always' else 'disabled' end)) p (property, value)
        where \(isOwnRelation)
        """

    private static let policies = """
        select pg_catalog.format('%I.%I.%I', n.nspname, c.relname, y.polname) as object,
          \(relation) as parent, p.property, p.value
        \(ofRelations) join pg_catalog.pg_policy y on y.polrelid = c.oid, lateral (values
          ('command', case y.polcmd when 'r' then 'select' when 'a' then 'insert'
            when 'w' then 'update' when 'd' then 'delete' else 'all' end),
          ('permissive', y.polpermissive::pg_catalog.text),
          ('roles', (select pg_catalog.string_agg(
              case o.id when 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(o.id)) end,
              ', ' order by 1)
            from pg_catalog.unnest(y.polroles) o (id))),
          ('using', pg_catalog.pg_get_expr(y.polqual, c.oid)),
          ('check', pg_catalog.pg_get_expr(y.polwithcheck, c.oid))) p (property, value)
        where \(isOwnRelation)
        """
}
