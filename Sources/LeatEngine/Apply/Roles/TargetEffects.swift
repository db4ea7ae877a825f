internal import LeatCatalogs
internal import LeatCore
internal import PGClient

/// What the target would do by itself when the followed tables are written to.
struct TargetEffects {
    let session: Session
    let tables: [TableName]

    struct Trigger: Sendable, Hashable {
        var table: TableName
        var name: String
        /// `tgenabled`.
        var enabled: String
        /// Only an owner may disable it.
        var isOwned: Bool

        var disabling: String {
            "alter table only \(table.quoted) disable trigger \(SQLText.identifier(name));"
        }
    }

    struct Rule: Sendable, Hashable {
        var table: TableName
        var name: String

        var disabling: String {
            "alter table \(table.quoted) disable rule \(SQLText.identifier(name));"
        }
    }

    /// A foreign key that would change rows of its own.
    struct Action: Sendable, Hashable {
        var constraint: String
        var child: TableName
        var parent: TableName
        /// Drops it and makes it again without an action, checked at the end of a transaction:
        /// the source's cascades delete a parent's row before its children's.
        var mending: String
    }

    /// Followed tables with their partitions.
    var followed: String {
        """
        with followed as (
          select c.oid as root, coalesce(p.relid, c.oid) as relid
          from unnest(\(SQLText.textArray(tables.map(\.schema))),
            \(SQLText.textArray(tables.map(\.name)))) as f (s, t)
          join pg_catalog.pg_namespace n on n.nspname = f.s
          join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = f.t
          left join lateral (select t.relid::pg_catalog.oid as relid
            from pg_catalog.pg_partition_tree(c.oid) t) p on true)
        """
    }

    /// - Parameter states: Values of `tgenabled`.
    func triggers(_ states: [String]) throws -> [Trigger] {
        try session.query(
            """
            \(followed)
            select distinct n.nspname, c.relname, t.tgname, t.tgenabled,
              pg_catalog.pg_has_role(c.relowner, 'usage') as is_owned
            from followed f
            join pg_catalog.pg_trigger t on t.tgrelid = f.relid and not t.tgisinternal
              and t.tgenabled::pg_catalog.text = any (\(SQLText.textArray(states)))
            join pg_catalog.pg_class c on c.oid = t.tgrelid
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            order by 1, 2, 3
            """
        ).records.map { row in
            Trigger(
                table: try row.table("nspname", name: "relname"), name: try row.text("tgname"),
                enabled: try row.text("tgenabled"), isOwned: try row.bool("is_owned"))
        }
    }

    /// Rules belong to the table that a statement names, not to its partitions.
    func rules(_ states: [String]) throws -> [Rule] {
        try session.query(
            """
            \(followed)
            select distinct n.nspname, c.relname, r.rulename
            from followed f
            join pg_catalog.pg_rewrite r on r.ev_class = f.root and r.ev_type <> '1'
              and r.ev_enabled::pg_catalog.text = any (\(SQLText.textArray(states)))
            join pg_catalog.pg_class c on c.oid = r.ev_class
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            order by 1, 2, 3
            """
        ).records.map { row in
            Rule(table: try row.table("nspname", name: "relname"), name: try row.text("rulename"))
        }
    }

    /// Foreign keys to followed tables with CASCADE, SET NULL or SET DEFAULT.
    func actions() throws -> [Action] {
        try session.query(
            """
            \(followed)
            select c.conname, cn.nspname as child_schema, ct.relname as child,
              pn.nspname as parent_schema, pt.relname as parent,
              \(TargetEffects.columns(of: "c.conrelid", numbers: "c.conkey")) as columns,
              \(TargetEffects.columns(of: "c.confrelid", numbers: "c.confkey")) as referenced, c.confmatchtype
            from pg_catalog.pg_constraint c
            join pg_catalog.pg_class ct on ct.oid = c.conrelid
            join pg_catalog.pg_namespace cn on cn.oid = ct.relnamespace
            join pg_catalog.pg_class pt on pt.oid = c.confrelid
            join pg_catalog.pg_namespace pn on pn.oid = pt.relnamespace
            where c.contype = 'f' and c.confrelid in (select f.relid from followed f)
              and (c.confdeltype in ('c', 'n', 'd') or c.confupdtype in ('c', 'n', 'd'))
              and not exists (select from pg_catalog.pg_constraint p where p.oid = c.conparentid
                and p.confrelid in (select f.relid from followed f))
            order by 2, 3, 1
            """
        ).records.map(Action.init)
    }

    private static func columns(of table: String, numbers: String) -> String {
        """
        (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by k.n)
          from unnest(\(numbers)) with ordinality k (attnum, n)
          join pg_catalog.pg_attribute a on a.attrelid = \(table) and a.attnum = k.attnum)
        """
    }

    /// Foreign keys from one followed table to another, of partitions by their root.
    func foreignKeys() throws -> [ForeignKeyOrder.Key] {
        try session.query(
            """
            \(followed)
            select distinct c.conname, cn.nspname as child_schema, ct.relname as child,
              pn.nspname as parent_schema, pt.relname as parent
            from pg_catalog.pg_constraint c
            join followed child on child.relid = c.conrelid
            join followed parent on parent.relid = c.confrelid
            join pg_catalog.pg_class ct on ct.oid = child.root
            join pg_catalog.pg_namespace cn on cn.oid = ct.relnamespace
            join pg_catalog.pg_class pt on pt.oid = parent.root
            join pg_catalog.pg_namespace pn on pn.oid = pt.relnamespace
            where c.contype = 'f'
            """
        ).records.map { row in
            ForeignKeyOrder.Key(
                constraint: try row.text("conname"),
                child: try row.table("child_schema", name: "child"),
                parent: try row.table("parent_schema", name: "parent"))
        }
    }
}

extension TargetEffects.Action {
    fileprivate init(_ row: Record) throws {
        constraint = try row.text("conname")
        child = try row.table("child_schema", name: "child")
        parent = try row.table("parent_schema", name: "parent")
        let name = SQLText.identifier(constraint)
        let (columns, referenced) = (try row.text("columns"), try row.text("referenced"))
        let match = try row.text("confmatchtype") == "f" ? " match full" : ""
        mending = """
            alter table \(child.quoted) drop constraint \(name), add constraint \(name) \
            foreign key (\(columns)) references \(parent.quoted) (\(referenced))\(match) \
            deferrable initially deferred;
            """
    }
}
