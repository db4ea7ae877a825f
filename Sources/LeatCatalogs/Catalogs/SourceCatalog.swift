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

    /// The tables of these publications, with columns, row filters and memberships.
    package func publishedTables(of publications: [String]) throws -> [SourceTable] {
        let published = published(by: publications)
        return try session.inOneSnapshot { try tables(from: published) }
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

    /// Transactions whose work is seen by whatever is read from here on.
    package func finished() throws -> FinishedTransactions {
        try session.query("select pg_catalog.pg_current_snapshot() as snapshot").onlyRecord()
            .value(of: "snapshot", as: "a snapshot", by: FinishedTransactions.init(snapshot:))
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

    /// A table without a publication yet gets one that sends everything.
    private static let unsentKinds = """
        pg_catalog.concat_ws(',',
          case when not pg_catalog.bool_or(coalesce(p.pubinsert, true)) then 'inserts' end,
          case when not pg_catalog.bool_or(coalesce(p.pubupdate, true)) then 'updates' end,
          case when not pg_catalog.bool_or(coalesce(p.pubdelete, true)) then 'deletes' end,
          case when not pg_catalog.bool_or(coalesce(p.pubtruncate, true)) then 'truncates' end)
        """

    /// Each publication with the OID of the row through which it has the table, or a partition
    /// root above it, or its schema.
    private var membership: String {
        let schema =
            session.serverVersion >= 150_000
            ? """
            (select s.oid from pg_catalog.pg_publication_namespace s
              where s.pnpubid = p.oid and s.pnnspid = n.oid)
            """ : "null::pg_catalog.oid"
        return SourceCatalog.tableMembership + " || coalesce(':' || \(schema), '')"
    }

    /// By the index of each table's few rows: the publication alone may have ten thousand.
    private static let tableMembership = """
        t.pubname || coalesce(':' || p.oid, '') || coalesce(':' || (
          select pg_catalog.string_agg(r.oid::pg_catalog.text, ',' order by r.oid)
          from pg_catalog.pg_publication_rel r
          where r.prpubid = p.oid and r.prrelid = any (array(
            select c.oid union all
            select a.relid from pg_catalog.pg_partition_ancestors(c.oid) a
            where a.relid <> c.oid))), '')
        """

    /// For each publication: see ``Publishing``. `place` is the version of the row that says in
    /// which schema the table is, which nothing but a move to another one touches; it counts where
    /// the schema makes the table a part of the publication.
    private var sending: String {
        let generated =
            session.serverVersion >= 180_000
            ? """
            case when exists (select from pg_catalog.pg_publication_rel r
                where r.prpubid = p.oid and r.prrelid = c.oid and r.prattrs is not null)
              or not exists (select from pg_catalog.pg_attribute a
                where a.attrelid = c.oid and not a.attisdropped and a.attgenerated <> '') then '-'
              else p.pubgencols::pg_catalog.text end
            """ : "'-'"
        let place =
            session.serverVersion >= 150_000
            ? """
            (select d.xmin::pg_catalog.text from pg_catalog.pg_depend d
              where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
                and d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
                and exists (select from pg_catalog.pg_publication_namespace s
                  where s.pnpubid = p.oid and s.pnnspid = n.oid))
            """ : "null"
        return """
            p.oid || ' xmin=' || p.xmin || ' name=' || pg_catalog.md5(p.pubname)
              || ' owner=' || p.pubowner
              || ' rows=' || case when t.rowfilter is null then 'all' else 'some' end
              || ' publish=' || case when p.pubinsert then 'i' else '' end
              || case when p.pubupdate then 'u' else '' end
              || case when p.pubdelete then 'd' else '' end
              || case when p.pubtruncate then 't' else '' end
              || ' generated=' || \(generated) || ' root=' || p.pubviaroot
              || ' place=' || coalesce(\(place), '')
            """
    }

    /// Whether a publication sends column `a`. 15 lists generated columns too, but only 18 and
    /// newer send any.
    private var isSent: String {
        let sent = session.serverVersion >= 180_000 ? "true" : "a.attgenerated = ''"
        return """
            case when t.attnames is null then a.attgenerated = ''
              else \(sent) and a.attname = any (t.attnames) end
            """
    }

    /// The generated columns that are not sent, by table OID; none of a table with a column list,
    /// whose author knew what is left out.
    private func unsentGenerated(from published: String) throws -> [UInt32: [SourceColumn]] {
        let hasList =
            session.serverVersion >= 150_000
            ? """
            exists (select from pg_catalog.pg_publication_rel r
              join pg_catalog.pg_publication p on p.oid = r.prpubid
              where p.pubname = t.pubname and r.prrelid = c.oid and r.prattrs is not null)
            """ : "false"
        var columns: [UInt32: [SourceColumn]] = [:]
        for row in try session.query(
            """
            select c.oid, a.attname, a.attnum, a.atttypid, a.atttypmod, a.attnotnull,
              a.attgenerated, pg_catalog.pg_get_expr(d.adbin, d.adrelid) as expression, a.xmin,
              null as missing_value
            from (\(published)) t
            join pg_catalog.pg_namespace n on n.nspname = t.schemaname
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
            join pg_catalog.pg_attribute a on a.attrelid = c.oid
              and a.attnum > 0 and not a.attisdropped and a.attgenerated <> ''
            left join pg_catalog.pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
            group by c.oid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
              a.attgenerated, d.adbin, d.adrelid, a.xmin
            having not pg_catalog.bool_or(\(isSent)) and not pg_catalog.bool_or(\(hasList))
            order by c.oid, a.attnum
            """
        ).records { columns[try row.id("oid"), default: []].append(try SourceColumn(row)) }
        return columns
    }

    /// Of column `a` of table `c`. A partition root has no rows of its own that could miss one.
    private static let missingValue = """
        case when c.relkind = 'p' then (
            with recursive part (oid) as (
              select c.oid union all
              select i.inhrelid from part p
              join pg_catalog.pg_inherits i on i.inhparent = p.oid and not i.inhdetachpending)
            select (l.attmissingval::pg_catalog.text::pg_catalog.text[])[1] from part p
            join pg_catalog.pg_attribute l on l.attrelid = p.oid and l.attname = a.attname
              and l.atthasmissing
            limit 1)
          else (a.attmissingval::pg_catalog.text::pg_catalog.text[])[1] end
        """

    /// Columns in the order of the Relation message, by table OID. Columns that the identity's
    /// index only includes are no part of the key.
    private func columns(
        from published: String
    ) throws -> [UInt32: [(sent: RelationColumn, source: SourceColumn)]] {
        var columns: [UInt32: [(sent: RelationColumn, source: SourceColumn)]] = [:]
        for row in try session.query(
            """
            select distinct c.oid, a.attnum, a.attname, a.atttypid, a.atttypmod,
              c.relreplident = 'f' or coalesce(a.attnum = any (
                (i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1]), false) as is_key,
              a.attnotnull, \(SourceCatalog.missingValue) as missing_value,
              pg_catalog.pg_get_expr(d.adbin, d.adrelid) as expression, a.attgenerated,
              a.xmin::pg_catalog.text as xmin
            from (\(published)) t
            join pg_catalog.pg_namespace n on n.nspname = t.schemaname
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
            join pg_catalog.pg_attribute a on a.attrelid = c.oid
              and a.attnum > 0 and not a.attisdropped and \(isSent)
            left join pg_catalog.pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
            left join pg_catalog.pg_index i on i.indrelid = c.oid
              and case c.relreplident when 'i' then i.indisreplident
                when 'd' then i.indisprimary else false end
            order by c.oid, a.attnum
            """
        ).records {
            let source = try SourceColumn(row)
            let sent = RelationColumn(
                isKey: try row.bool("is_key"), name: source.name, typeOID: source.typeOID,
                typeModifier: source.typeModifier)
            columns[try row.id("oid"), default: []].append((sent, source))
        }
        return columns
    }
}

extension SourceColumn {
    fileprivate init(_ row: Record) throws {
        self.init(
            number: try row.int("attnum"), name: try row.text("attname"),
            typeOID: try row.id("atttypid"), typeModifier: try row.int32("atttypmod"),
            isNotNull: try row.bool("attnotnull"),
            missingValue: try row.optionalText("missing_value"),
            defaultExpression: try row.optionalText("expression"),
            generation: try row.value(
                of: "attgenerated", as: "a kind of generation", by: Generation.init),
            version: try row.id("xmin"))
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
