internal import LeatCore
internal import PGClient

/// Code that owners of followed tables have attached to them, and that would run with the rights of
/// Leat's role when rows are written.
///
/// The server's own subscriptions become the owner for each change, in a state in which its code
/// cannot become anybody else. With SET ROLE it can: `reset role` in a function of the owner's gives
/// it the session's rights back. So such code is refused where the role has more rights than the
/// owner. Code that is harmless whoever wrote it is let go: immutable and stable functions of the
/// server, and a few others that defaults are made of.
struct OwnersCode {
    let effects: TargetEffects
    /// Values of `tgenabled` and `ev_enabled` of what fires.
    let firing: [String]

    private var session: Session { effects.session }

    /// - Throws: ``Halt`` (exit code 6).
    func check() throws {
        guard try session.query(OwnersCode.isPowerful).bool() else { return }
        let found = try session.query(query).records.map { row in
            "\(try row.text("what")) of \(try row.text("name")) (owner \(try row.text("owner")))"
        }
        guard !found.isEmpty else { return }
        throw Halt(
            .preflight,
            """
            Owners of the target's tables have attached code that would run with the rights of \
            Leat's role, which are more than theirs: \(NameList.text(found)).
            """,
            advice: """
                Let Leat write to the target as a plain role (README, "Privileges"), or as the \
                owner. If whoever owns these tables may do what Leat's role may: --trust-owners.
                """)
    }

    /// Rights that reach beyond the rows that Leat is to write.
    private static let isPowerful = """
        select r.rolsuper or r.rolcreaterole or exists (
            select from pg_catalog.pg_roles g
            where g.rolname in ('pg_execute_server_program', 'pg_read_server_files',
                'pg_write_server_files', 'pg_write_all_data', 'pg_read_all_data')
              and pg_catalog.pg_has_role(r.oid, g.oid, 'member'))
        from pg_catalog.pg_roles r where r.rolname = current_user
        """

    /// Trees of expressions name functions by OID, and operators, whose functions are looked up.
    private var query: String {
        """
        \(effects.followed),
        me as (select oid from pg_catalog.pg_roles where rolname = current_user),
        trusted as (
          select r.oid from pg_catalog.pg_roles r, me
          where r.rolsuper or pg_catalog.pg_has_role(r.oid, me.oid, 'member')),
        exposed as (
          select distinct c.oid, c.relowner,
            pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as name
          from followed f
          join pg_catalog.pg_class c on c.oid = f.relid
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where c.relowner not in (select oid from trusted)),
        types as (
          select c.oid as relation, y.oid, y.typtype, y.typbasetype, y.typname, y.typowner
          from (select distinct relid as oid from followed) c
          join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0
            and not a.attisdropped
          join pg_catalog.pg_type e on e.oid = a.atttypid
          join pg_catalog.pg_type y
            on y.oid = case when e.typcategory = 'A' then e.typelem else e.oid end),
        domains as (
          with recursive d as (
            select relation, oid, typbasetype, typname, typowner from types where typtype = 'd'
            union
            select d.relation, y.oid, y.typbasetype, y.typname, y.typowner
            from d join pg_catalog.pg_type y on y.oid = d.typbasetype and y.typtype = 'd')
          select * from d where typowner not in (select oid from trusted)),
        trees as (
          select e.name, e.relowner as owner, 'check ' || k.conname as what,
            k.conbin::pg_catalog.text as tree
          from exposed e join pg_catalog.pg_constraint k on k.conrelid = e.oid and k.contype = 'c'
          union all
          select e.name, e.relowner, 'index ' || x.relname,
            pg_catalog.concat(i.indexprs::pg_catalog.text, i.indpred::pg_catalog.text)
          from exposed e join pg_catalog.pg_index i on i.indrelid = e.oid
          join pg_catalog.pg_class x on x.oid = i.indexrelid
          union all
          select e.name, e.relowner, case when a.attgenerated = '' then 'default of column '
              else 'generated column ' end || a.attname, v.adbin::pg_catalog.text
          from exposed e join pg_catalog.pg_attrdef v on v.adrelid = e.oid
          join pg_catalog.pg_attribute a on a.attrelid = e.oid and a.attnum = v.adnum
          union all
          select e.name, e.relowner, 'partition key', p.partexprs::pg_catalog.text
          from exposed e join pg_catalog.pg_partitioned_table p on p.partrelid = e.oid
          union all
          select e.name, e.relowner, 'condition of trigger ' || g.tgname,
            g.tgqual::pg_catalog.text
          from exposed e join pg_catalog.pg_trigger g on g.tgrelid = e.oid
          where g.tgenabled::pg_catalog.text = any (\(SQLText.textArray(firing)))
          union all
          select d.relation::pg_catalog.regclass::pg_catalog.text, d.typowner,
            'domain ' || d.typname, k.conbin::pg_catalog.text
          from domains d join pg_catalog.pg_constraint k on k.contypid = d.oid),
        calls as (
          select t.name, t.owner, t.what, m[1]::pg_catalog.oid as function
          from trees t, pg_catalog.regexp_matches(
            t.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\\d+)', 'g') m
          union
          select t.name, t.owner, t.what, o.oprcode::pg_catalog.oid
          from trees t, pg_catalog.regexp_matches(t.tree, ':opno (\\d+)', 'g') m
          join pg_catalog.pg_operator o on o.oid = m[1]::pg_catalog.oid),
        found as (
          select c.what, c.name, c.owner
          from calls c join pg_catalog.pg_proc p on p.oid = c.function
          where not \(OwnersCode.isHarmless)
          union
          select 'trigger ' || g.tgname, e.name, e.relowner
          from exposed e join pg_catalog.pg_trigger g on g.tgrelid = e.oid and not g.tgisinternal
          join pg_catalog.pg_proc p on p.oid = g.tgfoid
          where g.tgenabled::pg_catalog.text = any (\(SQLText.textArray(firing)))
            and p.proowner not in (select oid from trusted)
          union
          select 'rule ' || w.rulename, e.name, e.relowner
          from exposed e join pg_catalog.pg_rewrite w on w.ev_class = e.oid and w.ev_type <> '1'
          where w.ev_enabled::pg_catalog.text = any (\(SQLText.textArray(firing)))
          union
          select 'range type ' || y.typname, y.relation::pg_catalog.regclass::pg_catalog.text,
            p.proowner
          from types y
          join pg_catalog.pg_range r on y.oid in (r.rngtypid, r.rngmultitypid)
          join pg_catalog.pg_proc p
            on p.oid in (r.rngcanonical::pg_catalog.oid, r.rngsubdiff::pg_catalog.oid)
          where p.proowner not in (select oid from trusted))
        select f.what, f.name, pg_catalog.pg_get_userbyid(f.owner) as owner from found f
        order by 2, 1
        """
    }

    /// Of `pg_proc` as `p`. The functions that make XML of tables read whatever view they are given.
    private static let isHarmless = """
        (p.oid < 16384 and (
            p.provolatile in ('i', 's') and p.proname !~ '_to_xml'
            or p.proname in ('nextval', 'currval', 'clock_timestamp', 'timeofday', 'random',
              'gen_random_uuid', 'uuidv4', 'uuidv7'))
          or p.oid >= 16384 and p.provolatile = 'i' and p.proowner in (select oid from trusted))
        """
}
