internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// Reads and writes `leat.tables` for one stream.
struct TableStore {
    let session: Session
    let stream: StreamName

    func read() throws -> [TablePlan.Stored] {
        try session.query(
            """
            select schema_name, table_name, state, snapshot_lsn, membership, source_oid,
              target_oid, pg_catalog.array_to_json(column_numbers) as column_numbers, unsent_kinds,
              sending, pg_catalog.array_to_json(definition) as definition,
              pg_catalog.array_to_json(seen_definition) as seen_definition,
              seen_lsn, is_refilled, leaving_lsn, doubt, target_schema, target_table,
              former_schema, former_table, pg_catalog.array_to_json(masks) as masks
            from leat.tables where stream = $1
            """, with: [stream.text]
        ).records.map(TableStore.stored)
    }

    private static func stored(_ row: Record) throws -> TablePlan.Stored {
        var stored = TablePlan.Stored(
            table: try row.table("schema_name", name: "table_name"),
            id: try row.optionalID("source_oid").map(RelationID.init(rawValue:)),
            state: try row.value(of: "state", as: "a state of a table", by: TableState.init),
            snapshotLSN: try row.optionalLSN("snapshot_lsn"),
            publishing: Publishing(
                membership: try row.text("membership"),
                unsentKinds: try row.optionalText("unsent_kinds").map(Publishing.kinds),
                sending: try row.optionalText("sending")),
            targetOID: try row.optionalID("target_oid"),
            columns: try columns(row))
        stored.definitions = try definitions(row)
        stored.isRefilled = try row.optionalBool("is_refilled") == true
        stored.leavingLSN = try row.optionalLSN("leaving_lsn")
        stored.doubt = try row.optionalText("doubt")
        stored.target = try row.tableIfAny("target_schema", name: "target_table") ?? stored.table
        stored.former = try row.tableIfAny("former_schema", name: "former_table")
        stored.masks = try row.made(
            "a list of masks", of: "masks",
            from: StoredMasks(texts: try row.stringsIfAny("masks")))
        return stored
    }

    private static func columns(_ row: Record) throws -> KnownColumns {
        let texts = try row.stringsIfAny("column_numbers")
        return try row.made(
            "a list of columns", of: "column_numbers", from: KnownColumns(texts: texts))
    }

    private static func definitions(_ row: Record) throws -> KnownDefinitions? {
        func definition(_ column: String) throws -> TableDefinition? {
            let texts = try row.stringsIfAny(column)
            guard !texts.isEmpty else { return nil }
            return try row.made(
                "a table's definition", of: column, from: TableDefinition(texts: texts))
        }
        return try definition("definition").map {
            KnownDefinitions(
                base: $0, seen: try definition("seen_definition"),
                seenLSN: try row.optionalLSN("seen_lsn"))
        }
    }

    /// Lists exactly the tables that are published now.
    func apply(_ plan: TablePlan) throws {
        try remove(plan.removed)
        try add(plan.added, refilling: plan.refilled)
        try leave(plan.leaving)
        try PartitionStore(session: session, stream: stream).forgetOthers()
    }

    /// The list of a stream that begins, where an earlier one may have left another.
    ///
    /// - Parameter point: Nil: they are still to be copied.
    func begin(with tables: [SourceTable], readyAt point: LSN?) throws {
        try apply(TablePlan(published: tables.map(\.listed), stored: read()))
        if let point { try adopt(tables, snapshot: point) }
    }

    /// Those of which nothing more comes; one that has come back since stays.
    func giveUp(_ tables: [TableName]) throws {
        try session.query(
            """
            delete from leat.tables t
            using unnest(\(SQLText.textArray(tables.map(\.schema))),
              \(SQLText.textArray(tables.map(\.name)))) v (schema_name, table_name)
            where t.stream = $1 and t.schema_name = v.schema_name and t.table_name = v.table_name
              and t.leaving_lsn is not null
            """, with: [stream.text])
    }

    /// Those that are published no longer, and whose changes up to now are still to come.
    func leave(_ tables: [TableName: LSN]) throws {
        guard !tables.isEmpty else { return }
        try session.query(
            """
            update leat.tables t set leaving_lsn = v.lsn::pg_catalog.pg_lsn
            from unnest(\(SQLText.textArray(tables.keys.map(\.schema))),
              \(SQLText.textArray(tables.keys.map(\.name))),
              \(SQLText.textArray(tables.values.map(\.description))))
              v (schema_name, table_name, lsn)
            where t.stream = $1 and t.schema_name = v.schema_name and t.table_name = v.table_name
              and t.leaving_lsn is null
            """, with: [stream.text])
    }

    private func add(
        _ tables: [TablePlan.Published], refilling refilled: Set<TableName>
    ) throws {
        guard !tables.isEmpty else { return }
        try session.query(
            """
            insert into leat.tables (stream, schema_name, table_name, state, membership,
              source_oid, unsent_kinds, sending, definition, is_refilled, target_schema,
              target_table)
            select $1, v.schema_name, v.table_name, 'init', v.membership, v.source_oid, v.unsent,
              nullif(v.sending, ''),
              array(select pg_catalog.json_array_elements_text(v.definition::pg_catalog.json)),
              v.is_refilled, \(TableStore.targetIfOther)
            from unnest(\(SQLText.textArray(tables.map(\.table.schema))),
              \(SQLText.textArray(tables.map(\.table.name))),
              \(SQLText.textArray(tables.map(\.publishing.membership))),
              \(SQLText.oidArray(tables.map(\.id.rawValue))),
              \(SQLText.textArray(tables.map(\.publishing.kindsText))),
              \(SQLText.textArray(tables.map { $0.publishing.sending ?? "" })),
              \(SQLText.textArray(tables.map { JSONText.array($0.definition?.texts ?? []) })),
              \(SQLText.booleanArray(tables.map { refilled.contains($0.table) })),
              \(SQLText.textArray(tables.map(\.target.schema))),
              \(SQLText.textArray(tables.map(\.target.name)))
            ) v (schema_name, table_name, membership, source_oid, unsent, sending, definition,
              is_refilled, to_schema, to_table)
            on conflict (stream, schema_name, table_name) do update
              set state = 'init', snapshot_lsn = null, membership = excluded.membership,
                source_oid = excluded.source_oid, target_oid = null, column_numbers = null,
                scans_for_rows = null, unsent_kinds = excluded.unsent_kinds,
                sending = excluded.sending,
                copy_attempt = null, rows_copied = null, definition = excluded.definition,
                seen_definition = null, seen_lsn = null, leaving_lsn = null,
                doubt = null, masks = null, target_schema = excluded.target_schema,
                target_table = excluded.target_table, former_schema = null, former_table = null,
                is_refilled = excluded.is_refilled or leat.tables.is_refilled,
                updated_at = pg_catalog.clock_timestamp()
            """, with: [stream.text])
    }

    /// Keeps what the tables are on the source.
    func keep(_ definitions: [TableName: KnownDefinitions]) throws {
        guard !definitions.isEmpty else { return }
        let tables = Array(definitions)
        try session.query(
            """
            update leat.tables t
            set definition = \(TableStore.shownTexts("v.base")),
              seen_lsn = v.lsn::pg_catalog.pg_lsn,
              seen_definition = case when v.seen <> '[]' then \(TableStore.shownTexts("v.seen")) end
            from unnest(\(SQLText.textArray(tables.map(\.key.schema))),
              \(SQLText.textArray(tables.map(\.key.name))),
              \(SQLText.textArray(tables.map { JSONText.array($0.value.base.texts) })),
              \(SQLText.textArray(tables.map { known in
                  JSONText.array(known.value.isAhead ? known.value.seen.texts : [])
              })),
              \(SQLText.textArray(tables.map { $0.value.seenLSN?.description ?? "" })))
              u (schema_name, table_name, base, seen, text),
              lateral (select u.*, nullif(u.text, '') as lsn) v
            where t.stream = $1 and t.schema_name = v.schema_name
              and t.table_name = v.table_name
            """, with: [stream.text])
    }

    /// Keeps that rows of a table may be others than those that were sent.
    func doubt(_ table: TableName, because reason: String) throws {
        try session.query(
            """
            update leat.tables set doubt = $4
            where stream = $1 and schema_name = $2 and table_name = $3
            """, with: [stream.text, table.schema, table.name, reason])
    }

    /// A definition's texts without what masked columns have by default: see
    /// ``TableDefinition/hideValues(of:)``.
    private static func shownTexts(_ json: String) -> String {
        """
        array(select d.text
          from pg_catalog.json_array_elements_text(\(json)::pg_catalog.json)
            with ordinality d (text, place)
          where not exists (select from pg_catalog.unnest(t.masks) m
            where pg_catalog.split_part(d.text, ' ', 1) in ('missing', 'default')
              and pg_catalog.split_part(d.text, ' ', 2) = pg_catalog.split_part(m, ' ', 1))
          order by d.place)
        """
    }

    /// Gives the rows of renamed tables their new names: all first a name that no table has,
    /// for they may have swapped them.
    func apply(_ renamed: [RenamePlan.Following]) throws {
        let renames = renamed.map(\.rename).filter { $0.from != $0.to }
        for rename in renames {
            try session.query(
                """
                update leat.tables set schema_name = '', table_name = $4
                where stream = $1 and schema_name = $2 and table_name = $3
                """,
                with: [stream.text, rename.from.schema, rename.from.name, "\(rename.id.rawValue)"])
        }
        for rename in renames {
            // A table that is gone, or was never copied, may have left a row of the name.
            try remove([rename.to])
            try session.query(
                """
                update leat.tables set schema_name = $3, table_name = $4,
                  former_schema = coalesce(former_schema, $5),
                  former_table = coalesce(former_table, $6)
                where stream = $1 and schema_name = '' and table_name = $2
                """,
                with: [
                    stream.text, "\(rename.id.rawValue)", rename.to.schema, rename.to.name,
                    rename.from.schema, rename.from.name,
                ])
        }
        for following in renamed { try lead(following.rename.to, to: following.target) }
    }

    private func lead(_ table: TableName, to target: TableName) throws {
        try session.query(
            """
            update leat.tables v set (target_schema, target_table) =
              (select \(TableStore.targetIfOther)
              from (values ($4::text, $5::text)) t (to_schema, to_table))
            where stream = $1 and schema_name = $2 and table_name = $3
            """, with: [stream.text, table.schema, table.name, target.schema, target.name])
    }

    /// The target's name where it is another than the source's: else nothing is stored.
    private static let targetIfOther = """
        case when (schema_name, table_name) <> (to_schema, to_table) then to_schema end,
        case when (schema_name, table_name) <> (to_schema, to_table) then to_table end
        """

    /// Keeps by which numbers the tables' columns are known on both sides.
    func keep(_ columns: [TableName: KnownColumns]) throws {
        guard !columns.isEmpty else { return }
        try session.query(TableStore.keeping(columns), with: [stream.text])
    }

    /// Keeps by which numbers columns are known: SQL with the stream's name as its parameter.
    static func keeping(_ columns: [TableName: KnownColumns]) -> String {
        let rows = Array(columns)
        return """
            update leat.tables t set column_numbers = v.numbers::pg_catalog.text[]
            from unnest(\(SQLText.textArray(rows.map(\.key.schema))),
              \(SQLText.textArray(rows.map(\.key.name))),
              \(SQLText.textArray(rows.map { SQLText.arrayLiteral($0.value.texts) }))
            ) v (schema_name, table_name, numbers)
            where t.stream = $1 and t.schema_name = v.schema_name
              and t.table_name = v.table_name
            """
    }

    /// Keeps by which OIDs the tables are known on both sides, what is not sent of them, and
    /// which have no index that finds their rows.
    func keepIdentities(of tables: [SourceTable], by plans: [TableName: RelationPlan]) throws {
        guard !tables.isEmpty else { return }
        let scans = tables.map { table in plans[table.name].map { "\(table.scans($0))" } ?? "NULL" }
        try session.query(
            """
            update leat.tables t
            set source_oid = v.source_oid, target_oid = c.oid, scans_for_rows = v.scans,
              unsent_kinds = v.unsent, membership = v.membership, sending = v.sending
            from (
              select l.schema_name, l.table_name, l.source_oid, l.scans, l.unsent,
                -- Who plays what is left of a spool knows nothing of them.
                case when l.sending = '' then o.membership else l.membership end,
                coalesce(nullif(l.sending, ''), o.sending), l.to_schema, l.to_table
              from unnest(\(SQLText.textArray(tables.map(\.name.schema))),
                \(SQLText.textArray(tables.map(\.name.name))),
                \(SQLText.oidArray(tables.map(\.relation.id.rawValue))),
                '{\(scans.joined(separator: ","))}'::pg_catalog.bool[],
                \(SQLText.textArray(tables.map(\.publishing.kindsText))),
                \(SQLText.textArray(tables.map(\.publishing.membership))),
                \(SQLText.textArray(tables.map { $0.publishing.sending ?? "" })),
                \(SQLText.textArray(tables.map(\.target.schema))),
                \(SQLText.textArray(tables.map(\.target.name)))
              ) l (schema_name, table_name, source_oid, scans, unsent, membership, sending,
                to_schema, to_table)
              join leat.tables o on o.stream = $1 and o.schema_name = l.schema_name
                and o.table_name = l.table_name
            ) v (schema_name, table_name, source_oid, scans, unsent, membership, sending,
              to_schema, to_table)
            left join pg_catalog.pg_namespace n on n.nspname = v.to_schema
            left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = v.to_table
            where t.stream = $1 and t.schema_name = v.schema_name
              and t.table_name = v.table_name
              and (t.source_oid, t.target_oid, t.scans_for_rows, t.unsent_kinds, t.membership,
                t.sending)
                is distinct from (v.source_oid, c.oid, v.scans, v.unsent, v.membership, v.sending)
            """, with: [stream.text])
    }

    /// Tables that were copied, and are gone or others by now.
    func othersThanStored() throws -> [String] {
        try session.query(
            """
            select t.schema_name || '.' || t.table_name from leat.tables t
            left join pg_catalog.pg_class c on c.oid = t.target_oid
            left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            where t.stream = $1 and t.state = 'ready' and t.target_oid is not null
              and (n.nspname, c.relname) is distinct from (
                coalesce(t.target_schema, t.schema_name)::name,
                coalesce(t.target_table, t.table_name)::name)
            order by 1
            """, with: [stream.text]
        ).texts()
    }

    /// Tables that went on without a gap until other publications took over.
    ///
    /// - Parameter before: How they were published until now.
    func goOn(_ tables: [SourceTable], from before: [SourceTable]) throws {
        let published = Dictionary(
            before.map { ($0.relation.id, $0.publishing) }, uniquingKeysWith: { first, _ in first })
        let rows = try read()
        for table in tables {
            guard let row = rows.first(where: { $0.id == table.relation.id }), row.state == .ready,
                published[table.relation.id].map({ row.publishing.gap(to: $0) == nil }) ?? false
            else { continue }
            try session.query(
                """
                update leat.tables set membership = $3, sending = nullif($4, '')
                where stream = $1 and source_oid = $2::pg_catalog.oid
                """,
                with: [
                    stream.text, "\(table.relation.id.rawValue)", table.publishing.membership,
                    table.publishing.sending ?? "",
                ])
        }
    }

    /// In place of a publication's rows: an archive holds all that was published.
    static let archiveMembership = "archive"

    /// A table whose every row comes by the stream: it is as ready as the others.
    func join(
        _ route: TableRoute, as id: RelationID, at position: LSN, masks: StoredMasks
    ) throws {
        let table = route.source
        try session.query(
            """
            insert into leat.tables (stream, schema_name, table_name, state, snapshot_lsn,
              membership, source_oid)
            values ($1, $2, $3, 'ready', $4::pg_catalog.pg_lsn, $5, $6::pg_catalog.oid)
            on conflict (stream, schema_name, table_name) do update
              set state = 'ready', snapshot_lsn = excluded.snapshot_lsn,
                membership = excluded.membership, source_oid = excluded.source_oid,
                target_oid = null, column_numbers = null, masks = null, scans_for_rows = null,
                unsent_kinds = null, sending = null, updated_at = pg_catalog.clock_timestamp()
            """,
            with: [
                stream.text, table.schema, table.name, "\(position)",
                TableStore.archiveMembership, "\(id.rawValue)",
            ])
        try lead(table, to: route.target)
        try keep([table: masks])
    }

    private func remove(_ tables: [TableName]) throws {
        guard !tables.isEmpty else { return }
        try session.query(
            """
            delete from leat.tables where stream = $1 and (schema_name, table_name) in (
              select s, t from unnest(\(SQLText.textArray(tables.map(\.schema))),
                \(SQLText.textArray(tables.map(\.name)))) v (s, t))
            """, with: [stream.text])
    }

    /// Marks a table as being copied by this attempt. False if it is ready already: a worker of
    /// a predecessor came to its end meanwhile.
    func beginCopy(_ table: TableName, attempt: String) throws -> Bool {
        try session.query(
            """
            update leat.tables set state = 'datasync', copy_attempt = $4, rows_copied = null,
              updated_at = pg_catalog.clock_timestamp()
            where stream = $1 and schema_name = $2 and table_name = $3 and state <> 'ready'
            """, with: [stream.text, table.schema, table.name, attempt]
        ).affectedRows == 1
    }

    /// Marks a table as copied, in the transaction that holds its rows. False if another
    /// attempt has begun since: the rows must then be rolled back.
    func finishCopy(
        _ table: TableName, attempt: String, snapshot: LSN, rows: Int
    ) throws -> Bool {
        try session.query(
            """
            update leat.tables set state = 'ready', snapshot_lsn = $5::pg_catalog.pg_lsn,
              is_refilled = null, rows_copied = $6::pg_catalog.int8, updated_at = pg_catalog.clock_timestamp()
            where stream = $1 and schema_name = $2 and table_name = $3 and copy_attempt = $4
              and state = 'datasync'
            """, with: [stream.text, table.schema, table.name, attempt, "\(snapshot)", "\(rows)"]
        ).affectedRows == 1
    }

    /// The tables' rows are on the target already, as of `snapshot`: `--no-copy`.
    func adopt(_ tables: [SourceTable], snapshot: LSN) throws {
        guard !tables.isEmpty else { return }
        let names = tables.map(\.name)
        try session.query(
            """
            update leat.tables t set state = 'ready', snapshot_lsn = $2::pg_catalog.pg_lsn,
              is_refilled = null, updated_at = pg_catalog.clock_timestamp()
            from unnest(\(SQLText.textArray(names.map(\.schema))),
              \(SQLText.textArray(names.map(\.name)))) v (schema_name, table_name)
            where t.stream = $1 and t.schema_name = v.schema_name
              and t.table_name = v.table_name and t.state <> 'ready'
            """, with: [stream.text, "\(snapshot)"])
        try learnColumns(
            Dictionary(
                tables.map { ($0.route, $0.columns) }, uniquingKeysWith: { first, _ in first }))
        try keep(
            Dictionary(
                tables.map { ($0.name, $0.masks) }, uniquingKeysWith: { first, _ in first }))
    }
}
