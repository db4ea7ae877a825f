internal import LeatCore
internal import PGClient
internal import PGWire

/// A published table as it is, in one snapshot.
extension SourceCatalog {
    /// The tables of these publications, with columns, row filters and memberships.
    package func publishedTables(of publications: [String]) throws -> [SourceTable] {
        let published = published(by: publications)
        return try session.inOneSnapshot { try tables(from: published) }
    }

    /// The same tables as they will be once they are published whole.
    package func tables(_ candidates: [Candidate]) throws -> [SourceTable] {
        guard !candidates.isEmpty else { return [] }
        return try session.inOneSnapshot {
            try tables(
                from: """
                    select ''::pg_catalog.name as pubname, v.schemaname, v.tablename,
                      null::pg_catalog.name[] as attnames, null::pg_catalog.text as rowfilter
                    from unnest(\(SQLText.textArray(candidates.map(\.name.schema))),
                      \(SQLText.textArray(candidates.map(\.name.name)))) v (schemaname, tablename)
                    """)
        }
    }

    /// All in one snapshot: columns from before an ALTER beside files, or a horizon, from behind it
    /// would be a definition that no table has had, and what the ALTER did would not be found.
    ///
    /// - Parameter published: A query with the columns pubname, schemaname, tablename,
    ///   attnames (null: all columns) and rowfilter.
    private func tables(from published: String) throws -> [SourceTable] {
        let columns = try columns(from: published)
        let generated = try unsentGenerated(from: published)
        let files = try files(of: published)
        let dropped = try dropped(of: published)
        let horizon = try session.query(SourceCatalog.horizon).id()
        let tables = try session.query(
            """
            select n.nspname, c.relname, c.oid, c.relkind = 'p' as is_partitioned, c.relreplident,
              pg_catalog.string_agg(\(membership), ' ' order by t.pubname) as membership,
              case when pg_catalog.bool_or(t.rowfilter is null) then null
                else pg_catalog.string_agg('(' || t.rowfilter || ')', ' or ') end as row_filter,
              coalesce(pg_catalog.pg_table_size(c.oid), 0) as size,
              greatest(c.reltuples, 0)::pg_catalog.int8 as estimate,
              \(SourceCatalog.unsentKinds) as unsent_kinds,
              pg_catalog.string_agg(\(sending), ';' order by p.oid) as sending
            from (\(published)) t
            left join pg_catalog.pg_publication p on p.pubname = t.pubname
            join pg_catalog.pg_namespace n on n.nspname = t.schemaname
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
            group by n.nspname, c.relname, c.oid, c.relkind, c.relreplident, c.reltuples
            order by 1, 2
            """
        ).records.map { row in
            var table = try SourceTable(row: row, columns: columns, generated: generated)
            let files = files[table.relation.id.rawValue] ?? []
            table.files = files.map(\.file)
            table.mayBeUnlogged = Set(files.filter(\.mayBeUnlogged).map(\.file.oid))
            table.horizon = horizon
            table.dropped = dropped[table.relation.id.rawValue] ?? [:]
            return table
        }
        try SourceCatalog.checkReadable(
            tables.flatMap { table in
                ["table \(table.name)"]
                    + table.relation.columns.map { "column \($0.name) of table \(table.name)" }
            })
        return tables
    }

    /// Transaction IDs are told apart by their lower half.
    private static let horizon = """
        select pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())
          ::pg_catalog.text::pg_catalog.int8 % 4294967296
        """

    /// By the published table's OID, what holds its rows.
    ///
    /// The server refuses to make a table unlogged that a publication names; one that is
    /// published with all tables, with its schema or with its partition root, it lets go.
    ///
    /// By `pg_inherits`: `pg_partition_tree` locks all partitions until its query ends, so one that
    /// an ALTER has would have the others wait for it as well, up to a deadlock that ends the ALTER.
    private func files(
        of published: String
    ) throws -> [UInt32: [(file: TableDefinition.File, mayBeUnlogged: Bool)]] {
        var files: [UInt32: [(file: TableDefinition.File, mayBeUnlogged: Bool)]] = [:]
        for row in try session.query(
            """
            with recursive listed as materialized (
              select distinct c.oid, c.relkind from (\(published)) t
              join pg_catalog.pg_namespace n on n.nspname = t.schemaname
              join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename),
            parts (root, relid, relkind) as (
              select oid, oid, relkind from listed
              union all
              select p.root, c.oid, c.relkind from parts p
              join pg_catalog.pg_inherits i on i.inhparent = p.relid and not i.inhdetachpending
              join pg_catalog.pg_class c on c.oid = i.inhrelid
              where p.relkind = 'p')
            select p.root, c.oid, c.relfilenode, c.relpersistence = 'p' as is_logged,
              c.reltoastrelid,
              coalesce(pg_catalog.pg_relation_size(c.oid), 0) = 0 as is_empty,
              not exists (select from pg_catalog.pg_publication_rel r where r.prrelid = c.oid)
                as may_be_unlogged
            from parts p join pg_catalog.pg_class c on c.oid = p.relid and c.relkind = 'r'
            """
        ).records {
            let file = TableDefinition.File(
                oid: try row.id("oid"), node: try row.id("relfilenode"),
                isLogged: try row.bool("is_logged"), isEmpty: try row.bool("is_empty"),
                toast: try row.id("reltoastrelid"))
            files[try row.id("root"), default: []].append((file, try row.bool("may_be_unlogged")))
        }
        return files
    }

    /// By the published table's OID: the row of a dropped column stays, as its drop has left it.
    private func dropped(of published: String) throws -> [UInt32: [Int: UInt32]] {
        var dropped: [UInt32: [Int: UInt32]] = [:]
        for row in try session.query(
            """
            select distinct c.oid, a.attnum, a.xmin::pg_catalog.text::pg_catalog.int8 as xmin
            from (\(published)) t
            join pg_catalog.pg_namespace n on n.nspname = t.schemaname
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
            join pg_catalog.pg_attribute a on a.attrelid = c.oid
              and a.attnum > 0 and a.attisdropped
            """
        ).records {
            dropped[try row.id("oid"), default: [:]][try row.int("attnum")] = try row.id("xmin")
        }
        return dropped
    }
}

extension SourceTable {
    fileprivate init(
        row: Record, columns: [UInt32: [(sent: RelationColumn, source: SourceColumn)]],
        generated: [UInt32: [SourceColumn]]
    ) throws {
        let oid = try row.id("oid")
        let identity = try row.value(of: "relreplident", as: "a replica identity") {
            $0.utf8.first.flatMap(ReplicaIdentity.init)
        }
        self.init(
            relation: Relation(
                id: RelationID(rawValue: oid), schema: try row.text("nspname"),
                name: try row.text("relname"), replicaIdentity: identity,
                columns: columns[oid]?.map(\.sent) ?? []),
            columns: columns[oid]?.map(\.source) ?? [],
            isPartitioned: try row.bool("is_partitioned"),
            publishing: Publishing(
                membership: try row.text("membership"),
                unsentKinds: try row.text("unsent_kinds").split(separator: ",").map(String.init),
                sending: try row.optionalText("sending")),
            rowFilter: try row.optionalText("row_filter"),
            unsentGenerated: generated[oid] ?? [],
            sizeBytes: try row.int("size"), estimatedRows: try row.int("estimate"))
    }
}
