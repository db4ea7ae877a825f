internal import LeatCatalogs
public import LeatCore
public import PGClient
internal import PGWire

/// What `leat status` tells of one stream, from the target's rows and, if given, the source.
public struct StreamReport: Sendable, Codable, Equatable {
    /// A table that has another name on the target than on the source.
    public struct RenamedTable: Sendable, Codable, Equatable {
        public var source: String
        public var target: String
    }

    /// A column whose values come masked.
    public struct MaskedColumn: Sendable, Codable, Equatable {
        /// `schema.table.column`, on the source.
        public var column: String
        public var function: String
    }

    public struct Tables: Sendable, Codable, Equatable {
        public var total: Int
        public var ready: Int
        /// `schema.table: state` of those that are not ready.
        public var pending: [String]
        /// By `--rename`, or because only the source's was renamed.
        public var renamed: [RenamedTable]
        /// By `--mask`.
        public var masked: [MaskedColumn]
        /// Without a unique index on the target that finds the row of an update or delete.
        public var scanned: [String]
        /// `schema.partition: change` of those that were attached with rows, detached or dropped
        /// on the source, which sends nothing; until their table is copied anew.
        public var partitionChanges: [String]
        /// `object: reason` of what the last start left out: new tables that cannot be followed,
        /// and what logical replication does not send.
        public var leftOut: [String]
    }

    public struct Slot: Sendable, Codable, Equatable {
        public var name: String
        public var isActive: Bool
        public var confirmedFlushLSN: String?
        public var walStatus: String?
        /// WAL that the source keeps for the slot.
        public var retainedBytes: Int?
        /// From the stored position to the end of the source's WAL.
        public var lagBytes: Int?
    }

    /// Why it stopped by itself, and has not run since.
    public struct Halt: Sendable, Codable, Equatable {
        /// RFC 3339, UTC.
        public var at: String
        public var exitCode: Int
        public var message: String
        public var advice: String?
    }

    /// What the backend that applies is doing, by the target.
    public struct Session: Sendable, Codable, Equatable {
        /// As in `pg_stat_activity`: `active`, `idle`, `idle in transaction`.
        public var state: String
        /// For so long.
        public var seconds: Int
        /// `wait_event_type: wait_event`; nil: it does not wait.
        public var waitsFor: String?
    }

    public var stream: String
    public var state: String
    public var position: String
    /// When the last applied transaction was committed on the source. RFC 3339, UTC.
    public var commitTime: String?
    public var updatedAt: String
    public var sourceDatabase: String
    public var slotName: String
    public var publications: [String]
    /// A process applies the stream now.
    public var isRunning: Bool
    /// Of a stream that is not running.
    public var halt: Halt?
    /// Of one that is running, as far as the role may see.
    public var session: Session?
    /// What the process that runs it says of itself, if it may be asked and has answered.
    public var live: LiveReport?
    /// The target equals the source as of `position`. False until the stream has passed the
    /// snapshot of every table.
    public var isConsistent: Bool
    public var tables: Tables
    /// Resolved by `--on-conflict` and recorded, by their kind.
    public var conflicts: [String: Int]
    public var slot: Slot?
    /// Machine and folder of the archive between slot and target.
    public var spool: String?

    /// Reads the reports of one stream, or of all on the target.
    ///
    /// - Throws: ``Halt``.
    public static func read(
        target: Conninfo, source: Conninfo?, stream: StreamName?
    ) async throws -> [StreamReport] {
        let command = "leat status"
        let reports = try await Connection.with(target, peer: .target, command: command) {
            try read($0, stream: stream?.text)
        }
        guard let source else { return reports }
        return try await Connection.with(source, peer: .source, command: command) { session in
            try reports.map { try $0.withSlot(session) }
        }
    }

    private static func read(_ session: PGClient.Session, stream: String?) throws -> [StreamReport]
    {
        guard try LeatSchema.isPresent(session) else { return [] }
        return try session.query(
            """
            select p.stream, p.state, p.end_lsn, \(SQLTime.rfc3339("p.commit_time")) as committed,
              \(SQLTime.rfc3339("p.updated_at")) as updated,
              p.source_database, p.slot, pg_catalog.array_to_json(p.publications) as publications,
              exists (\(AdvisoryKey.stream.holders(of: "p.stream", selecting: ""))) as is_running,
              not exists (select from leat.tables t where t.stream = p.stream
                and (t.state <> 'ready' or t.snapshot_lsn > p.end_lsn)) as is_past,
              (select pg_catalog.count(*) from leat.tables t where t.stream = p.stream) as total,
              (select pg_catalog.count(*) from leat.tables t
                where t.stream = p.stream and t.state = 'ready') as ready,
              pg_catalog.to_jsonb(p) ->> 'spool' as spool
            from leat.progress p where $1::text is null or p.stream = $1 order by 1
            """, with: [stream]
        ).records.map { row in try report(from: row, on: session).withRunning(session) }
    }

    private static func report(
        from row: Record, on session: PGClient.Session
    ) throws -> StreamReport {
        let (stream, state) = (try row.text("stream"), try row.text("state"))
        return StreamReport(
            stream: stream, state: state, position: try row.lsn("end_lsn").description,
            commitTime: try row.optionalText("committed"), updatedAt: try row.text("updated"),
            sourceDatabase: try row.text("source_database"), slotName: try row.text("slot"),
            publications: try row.strings("publications"), isRunning: try row.bool("is_running"),
            isConsistent: try state == "streaming" && row.bool("is_past"),
            tables: Tables(
                total: try row.int("total"), ready: try row.int("ready"),
                pending: try pendingTables(on: session, of: stream),
                renamed: try renamedTables(on: session, of: stream),
                masked: try maskedColumns(on: session, of: stream),
                scanned: try scannedTables(on: session, of: stream),
                partitionChanges: try PartitionStore.changes(session, stream: stream),
                leftOut: try LeftOutStore.texts(session, stream: stream)),
            conflicts: try ConflictBook.counts(session, stream: stream), slot: nil,
            spool: try row.optionalValue(of: "spool", as: "a spool", by: SpoolMark.init)?.place)
    }

    private static func pendingTables(on session: PGClient.Session, of stream: String) throws
        -> [String]
    {
        try session.query(
            """
            select schema_name || '.' || table_name || ': ' || state from leat.tables
            where stream = $1 and state <> 'ready' order by 1
            """, with: [stream]
        ).texts()
    }

    private static func renamedTables(
        on session: PGClient.Session, of stream: String
    ) throws -> [RenamedTable] {
        try session.query(
            """
            select t.schema_name || '.' || t.table_name as source,
              (j ->> 'target_schema') || '.' || (j ->> 'target_table') as target
            from leat.tables t, pg_catalog.to_jsonb(t) j
            where t.stream = $1 and j ->> 'target_table' is not null order by 1
            """, with: [stream]
        ).records.map {
            RenamedTable(source: try $0.text("source"), target: try $0.text("target"))
        }
    }

    private static func maskedColumns(
        on session: PGClient.Session, of stream: String
    ) throws -> [MaskedColumn] {
        try session.query(
            """
            select t.schema_name, t.table_name, j ->> 'masks' as masks,
              j ->> 'column_numbers' as column_numbers
            from leat.tables t, pg_catalog.to_jsonb(t) j
            where t.stream = $1 and j ->> 'masks' is not null order by 1, 2
            """, with: [stream]
        ).records.flatMap(maskedColumns)
    }

    private static func maskedColumns(_ row: Record) throws -> [MaskedColumn] {
        let table = try row.table("schema_name", name: "table_name")
        let masks = try row.made(
            "a list of masks", of: "masks",
            from: StoredMasks(texts: try row.stringsIfAny("masks")))
        let known = KnownColumns(texts: try row.stringsIfAny("column_numbers"))
        return masks.columns.sorted { $0.key < $1.key }.map { number, mask in
            MaskedColumn(
                column: "\(table).\(known?[number]?.name ?? "\(number)")",
                function: mask.function.text)
        }
    }

    /// As JSON, because an older `leat.tables` lacks the column.
    private static func scannedTables(on session: PGClient.Session, of stream: String) throws
        -> [String]
    {
        try session.query(
            """
            select schema_name || '.' || table_name from leat.tables t
            where stream = $1 and pg_catalog.to_jsonb(t) ->> 'scans_for_rows' = 'true' order by 1
            """, with: [stream]
        ).texts()
    }

    private func withSlot(_ session: PGClient.Session) throws -> StreamReport {
        let row = try session.query(
            """
            select active, confirmed_flush_lsn, wal_status,
              pg_catalog.pg_wal_lsn_diff(e.lsn, restart_lsn)::int8 as retained,
              greatest(pg_catalog.pg_wal_lsn_diff(e.lsn, $2::pg_catalog.pg_lsn), 0)::int8 as lag
            from pg_catalog.pg_replication_slots,
              (select case when pg_catalog.pg_is_in_recovery()
                then pg_catalog.pg_last_wal_replay_lsn()
                else pg_catalog.pg_current_wal_flush_lsn() end as lsn) e
            where slot_name = $1
            """, with: [slotName, position]
        ).firstRecord
        var report = self
        report.slot = try row.map { row in
            Slot(
                name: slotName, isActive: try row.bool("active"),
                confirmedFlushLSN: try row.optionalText("confirmed_flush_lsn"),
                walStatus: try row.optionalText("wal_status"),
                retainedBytes: try row.optionalInt("retained"),
                lagBytes: try row.optionalInt("lag"))
        }
        return report
    }
}
