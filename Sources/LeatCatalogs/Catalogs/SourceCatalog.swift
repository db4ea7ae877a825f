package import LeatCore
package import PGClient
package import PGWire

/// Reads from the source's catalogs what the publications send.
package struct SourceCatalog {
    package let session: Session

    package init(session: Session) {
        self.session = session
    }

    /// A table that could be published, with what its updates would be found by.
    package struct Candidate: Sendable {
        package var name: TableName
        package var isPartitioned: Bool
        /// Why updates and deletes could not be sent; nil if they can.
        package var identityProblem: String?

        package init(name: TableName, isPartitioned: Bool, identityProblem: String? = nil) {
            self.name = name
            self.isPartitioned = isPartitioned
            self.identityProblem = identityProblem
        }
    }

    /// All tables that `FOR TABLE` takes, but for parts of extensions and partitions, which
    /// come with their root.
    package func candidates() throws -> [Candidate] {
        try session.query(
            """
            select n.nspname, c.relname, c.relkind = 'p' as is_partitioned,
              \(identityProblem) as problem
            from pg_catalog.pg_class c
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence = 'p'
              and n.nspname not in ('pg_catalog', 'information_schema', 'leat')
              and c.oid >= 16384
              and not exists (select from pg_catalog.pg_depend d
                where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                  and d.objid = c.oid and d.deptype = 'e')
            order by 1, 2
            """
        ).records.map { row in
            Candidate(
                name: try row.table(), isPartitioned: try row.bool("is_partitioned"),
                identityProblem: try row.optionalText("problem"))
        }
    }

    /// The leaf partitions of these tables whose updates and deletes could not be sent, or not
    /// so that the target finds the row.
    ///
    /// A change is sent in the root's name, but with the identity of the leaf that it was made
    /// to: `alter table ... replica identity` on the root does not reach its partitions.
    package func unfitPartitions(of tables: [Candidate]) throws -> [Candidate] {
        let roots = tables.filter(\.isPartitioned).map(\.name.listed)
        guard !roots.isEmpty else { return [] }
        let (leaf, root) = (
            SourceCatalog.identityColumns("c"), SourceCatalog.identityColumns("r")
        )
        return try session.query(
            """
            select n.nspname, c.relname, coalesce(nullif(\(identityProblem), ''),
              case when \(root) = '*' and \(leaf) <> '*' then '\(SourceCatalog.wholeInRoot)'
                when \(leaf) not in ('*', \(root))
                then 'its replica identity differs from that of its partition root' end) as problem
            from pg_catalog.unnest(
              \(SQLText.textArray(roots))::pg_catalog.regclass[]) as t (root)
            join pg_catalog.pg_class r on r.oid = t.root
            cross join lateral pg_catalog.pg_partition_tree(t.root) p
            join pg_catalog.pg_class c on c.oid = p.relid and p.isleaf and c.relkind = 'r'
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            order by 1, 2
            """
        ).records.compactMap { row in
            guard let problem = try row.optionalText("problem") else { return nil }
            return Candidate(
                name: try row.table(), isPartitioned: false, identityProblem: problem)
        }
    }

    /// Those of the tables that are a partition or a partition root of a table with one of these
    /// OIDs.
    package func relatives(of ids: [RelationID], among names: [TableName]) throws -> [TableName] {
        guard !ids.isEmpty, !names.isEmpty else { return [] }
        let list = ids.map { "\($0.rawValue)" }.joined(separator: ",")
        return try session.query(
            """
            select n.nspname, c.relname
            from unnest(\(SQLText.textArray(names.map(\.schema))),
              \(SQLText.textArray(names.map(\.name)))) v (schema_name, table_name)
            join pg_catalog.pg_namespace n on n.nspname = v.schema_name
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = v.table_name
            where exists (
              select from pg_catalog.pg_partition_ancestors(c.oid) a
              where a.relid <> c.oid and a.relid = any ('{\(list)}'::pg_catalog.oid[])
              union all
              select from pg_catalog.pg_partition_tree(c.oid) p
              where p.relid <> c.oid and p.relid = any ('{\(list)}'::pg_catalog.oid[]))
            """
        ).tables()
    }

    /// The names of the identity's columns, in their order; `*` for the whole row.
    private static func identityColumns(_ table: String) -> String {
        """
        case \(table).relreplident when 'f' then '*' else coalesce(
          (select pg_catalog.string_agg(a.attname, ',' order by a.attname)
          from pg_catalog.pg_index i join pg_catalog.pg_attribute a
            on a.attrelid = i.indrelid
            and a.attnum = any ((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1])
          where i.indrelid = \(table).oid and case \(table).relreplident
            when 'i' then i.indisreplident when 'd' then i.indisprimary else false end), '') end
        """
    }

    /// A query for the rows of `pg_publication_tables` of these publications.
    ///
    /// Where one of them sends a partitioned table as a whole, the server sends the changes of its
    /// partitions in that table's name alone, whatever the others say of the partitions: so those
    /// are no tables of the stream.
    package func published(by publications: [String]) -> String {
        // Column lists and row filters: 15 and newer.
        let details =
            session.serverVersion >= 150_000
            ? "t.attnames, t.rowfilter"
            : "null::pg_catalog.name[] as attnames, null::pg_catalog.text as rowfilter"
        return """
            with listed as materialized (
              select t.pubname, t.schemaname, t.tablename, \(details), c.oid, c.relispartition,
                c.relkind
              from pg_catalog.pg_publication_tables t
              join pg_catalog.pg_namespace n on n.nspname = t.schemaname
              join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
              where t.pubname = any (\(SQLText.textArray(publications))))
            select l.pubname, l.schemaname, l.tablename, l.attnames, l.rowfilter from listed l
            where not (l.relispartition and exists (
              select from pg_catalog.pg_partition_ancestors(l.oid) a where a.relid <> l.oid
                and a.relid in (select r.oid from listed r where r.relkind = 'p')))
            """
    }

    /// Transactions whose work is seen by whatever is read from here on.
    package func finished() throws -> FinishedTransactions {
        try session.query("select pg_catalog.pg_current_snapshot() as snapshot").onlyRecord()
            .value(of: "snapshot", as: "a snapshot", by: FinishedTransactions.init(snapshot:))
    }

    /// Names come in the encoding in which text travels. What is not UTF8 then cannot be written
    /// back.
    ///
    /// - Parameter names: Each with what it names.
    package static func checkReadable(_ names: [String]) throws {
        let damaged = names.filter { $0.contains("\u{FFFD}") }
        guard !damaged.isEmpty else { return }
        throw Halt(
            .preflight,
            """
            Names beyond ASCII cannot be read without converting them, and between these databases \
            nothing is converted: \(NameList.text(damaged)).
            """,
            advice: "Rename them, leave the tables out, or use a target database in UTF8.")
    }
}
