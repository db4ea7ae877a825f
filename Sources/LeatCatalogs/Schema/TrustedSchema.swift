internal import LeatCore
package import PGClient

/// Whether schema `leat` of the target is what Leat has made there.
///
/// Whoever may create schemas there may have made one of the name before, and tables on which
/// something of theirs fires, with Leat's rights. So its owners must be trusted, for they may attach
/// something at any time, and the tables must be plain ones with nothing attached.
package enum TrustedSchema {
    /// Before anything is written.
    ///
    /// - Throws: ``Halt`` (exit code 6).
    package static func check(_ session: Session) throws {
        try checkOwners(session)
        try checkShape(session)
    }

    /// Before anything is read: whose the tables are does not matter for that.
    ///
    /// - Throws: ``Halt`` (exit code 6).
    static func checkShape(_ session: Session) throws {
        let found = try session.query(attached).texts()
        guard !found.isEmpty else { return }
        throw Halt(
            .preflight,
            """
            Schema leat of the target is not as Leat has made it, and what was added would run with \
            Leat's rights: \(NameList.text(found)).
            """,
            advice: """
                Look at it and drop it, as the owner: drop trigger, drop rule, drop policy, alter \
                table ... disable row level security, drop index. If Leat did not make the \
                schema: alter schema leat rename to not_leat.
                """)
    }

    private static func checkOwners(_ session: Session) throws {
        let foreign = try session.query(owners).records
        guard !foreign.isEmpty else { return }
        let role = try session.role()
        let list = try foreign.map { "\(try $0.text("object")) of role \(try $0.text("rolname"))" }
        let mends = try foreign.map { "alter \(try $0.text("object")) owner to \(role);" }
        throw Halt(
            .preflight,
            """
            Schema leat of the target belongs to a role that might run code with Leat's rights: \
            \(NameList.text(list)).
            """,
            advice: """
                Run Leat as that role. Or, if it is Leat's and the role is to be trusted no longer, \
                on the target as an administrator:
                \(mends.joined(separator: "\n"))
                """)
    }

    /// A superuser is a member of every role, so for one only superusers and itself count.
    private static let owners = """
        select o.kind || ' ' || o.name as object, r.rolname
        from (
          select 'schema' as kind, 'leat' as name, n.nspowner as owner
          from pg_catalog.pg_namespace n where n.nspname = 'leat'
          union all
          select 'table', 'leat.' || pg_catalog.quote_ident(c.relname), c.relowner
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where n.nspname = 'leat' and c.relkind in ('r', 'p', 'v', 'm', 'f')) o
        join pg_catalog.pg_roles r on r.oid = o.owner
        join pg_catalog.pg_roles me on me.rolname = current_user
        where r.oid <> me.oid and not r.rolsuper
          and (me.rolsuper or not pg_catalog.pg_has_role(me.oid, r.oid, 'member'))
        order by 1
        """

    /// What is, or may be, code of somebody's. Triggers of constraints are the server's own, and
    /// Leat has none.
    private static let attached = """
        with t as (
          select c.* from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where n.nspname = 'leat' and c.relkind in ('r', 'p', 'v', 'm', 'f'))
        select 'trigger ' || g.tgname || ' of ' || t.relname
        from t join pg_catalog.pg_trigger g on g.tgrelid = t.oid
        union all
        select case when t.relkind = 'v' then 'view ' || t.relname
            else 'rule ' || w.rulename || ' of ' || t.relname end
        from t join pg_catalog.pg_rewrite w on w.ev_class = t.oid
        union all
        select 'policies of ' || t.relname from t where t.relrowsecurity
        union all
        select 'relation ' || t.relname || ', which is no plain table' from t
        where t.relkind <> 'r' and t.relkind <> 'v' or t.relispartition or t.relhassubclass
          or exists (select from pg_catalog.pg_inherits i where i.inhrelid = t.oid)
        union all
        select 'index ' || x.indexrelid::pg_catalog.regclass from t
        join pg_catalog.pg_index x on x.indrelid = t.oid
        where x.indexprs is not null or x.indpred is not null
        union all
        select 'column ' || a.attname || ' of ' || t.relname from t
        join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
        join pg_catalog.pg_type y on y.oid = a.atttypid
        where a.attgenerated <> '' or y.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace
        union all
        select 'default of ' || a.attname || ' of ' || t.relname from t
        join pg_catalog.pg_attrdef d on d.adrelid = t.oid
        join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = d.adnum
        where exists (select from pg_catalog.pg_depend p
          where p.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and p.objid = d.oid
            and p.refclassid in ('pg_catalog.pg_proc'::pg_catalog.regclass,
              'pg_catalog.pg_operator'::pg_catalog.regclass))
        union all
        select 'constraint ' || k.conname || ' of ' || t.relname from t
        join pg_catalog.pg_constraint k on k.conrelid = t.oid
        where k.contype = 'c' and exists (select from pg_catalog.pg_depend p
          where p.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and p.objid = k.oid
            and p.refclassid in ('pg_catalog.pg_proc'::pg_catalog.regclass,
              'pg_catalog.pg_operator'::pg_catalog.regclass))
        order by 1
        """
}
