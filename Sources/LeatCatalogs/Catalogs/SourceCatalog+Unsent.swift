package import LeatCore
internal import PGClient

/// What logical replication never sends.
extension SourceCatalog {
    /// A relation that no stream follows.
    package struct Unsent: Sendable {
        package var name: TableName
        package var kind: Kind
        /// Of a partition: its root.
        package var root: TableName?

        package enum Kind: String, Sendable, CaseIterable {
            case unlogged, materializedView, foreign, view, ofExtension, partition

            /// `it is ...`
            package var text: String {
                switch self {
                case .unlogged: "an unlogged table"
                case .materializedView: "a materialized view"
                case .foreign: "a foreign table"
                case .view: "a view"
                case .ofExtension: "a table of an extension"
                case .partition: "a partition"
                }
            }

            /// Of several.
            var plural: String {
                switch self {
                case .unlogged: "unlogged tables"
                case .materializedView: "materialized views"
                case .foreign: "foreign tables"
                case .view: "views"
                case .ofExtension: "tables of extensions"
                case .partition: "partitions"
                }
            }
        }
    }

    /// Every relation with rows that is no ordinary table of its own. A partition is one only where
    /// its root is sent in its stead; an unlogged one below a logged root is not sent at all.
    package func unsent() throws -> [Unsent] {
        try session.query(
            """
            select n.nspname, c.relname, case
                when c.relkind = 'm' then 'materializedView' when c.relkind = 'f' then 'foreign'
                when c.relkind = 'v' then 'view' when e.objid is not null then 'ofExtension'
                when c.relpersistence = 'u' then 'unlogged' else 'partition' end as kind,
              rn.nspname as root_schema, r.relname as root
            from pg_catalog.pg_class c
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            left join pg_catalog.pg_depend e on e.objid = c.oid and e.deptype = 'e'
              and e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            left join pg_catalog.pg_class r on c.relispartition
              and r.oid = pg_catalog.pg_partition_root(c.oid)
            left join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
            where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't'
              and (c.relkind not in ('r', 'p') or c.relispartition or c.relpersistence = 'u'
                or e.objid is not null)
              and (e.objid is null or c.relkind in ('r', 'p'))
              and n.nspname not in ('pg_catalog', 'information_schema', 'leat')
              and n.nspname !~ '^pg_toast' and c.oid >= 16384
            order by 1, 2
            """
        ).records.map { row in
            Unsent(
                name: try row.table(),
                kind: try row.value(of: "kind", as: "a kind of relation", by: Unsent.Kind.init),
                root: try row.tableIfAny("root_schema", name: "root"))
        }
    }

    /// How many large objects there are: they are in no table.
    package func largeObjects() throws -> Int {
        try session.query(
            "select pg_catalog.count(*) from pg_catalog.pg_largeobject_metadata"
        ).int()
    }

    /// Columns of type `lo`, by their table: the number of a large object is sent, not the object.
    package func largeObjectColumns() throws -> [(table: TableName, column: String)] {
        try session.query(
            """
            select n.nspname, c.relname, a.attname from pg_catalog.pg_attribute a
            join pg_catalog.pg_class c on c.oid = a.attrelid
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            join pg_catalog.pg_type t on t.oid = a.atttypid
            where c.relkind in ('r', 'p') and not a.attisdropped and t.typname = 'lo'
              and t.typtype = 'd' and t.typbasetype = 'pg_catalog.oid'::pg_catalog.regtype
            order by 1, 2, a.attnum
            """
        ).records.map { (try $0.table(), try $0.text("attname")) }
    }
}
