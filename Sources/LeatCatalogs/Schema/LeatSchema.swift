internal import LeatCore
package import PGClient
internal import PGWire

/// Schema `leat` on the target: what Leat knows of its streams, kept beside their data so that
/// both change in the same transaction.
package enum LeatSchema {
    private static let progress = """
        create table leat.progress (
          stream text primary key,
          state text not null check (state in ('creating', 'streaming')),
          end_lsn pg_catalog.pg_lsn not null,
          commit_time timestamptz,
          slot text not null,
          owns_slot boolean not null,
          publications text[] not null,
          publication_oids text[] not null,
          owns_publication boolean not null,
          source_system_identifier text not null,
          source_database text not null,
          source_timeline bigint not null,
          target_system_identifier text not null,
          target_database text not null,
          format text not null,
          encoding text not null,
          spool text,
          selection text[],
          last_transaction text,
          slot_lsn pg_catalog.pg_lsn,
          zone text,
          halted_at timestamptz,
          halt_code integer,
          halt_message text,
          halt_advice text,
          source_database_oid pg_catalog.oid,
          target_database_oid pg_catalog.oid,
          created_at timestamptz not null default pg_catalog.clock_timestamp(),
          updated_at timestamptz not null default pg_catalog.clock_timestamp()
        ) with (fillfactor = 10)
        """

    private static let tables = """
        create table leat.tables (
          stream text not null,
          schema_name text not null,
          table_name text not null,
          state text not null check (state in ('init', 'datasync', 'ready')),
          snapshot_lsn pg_catalog.pg_lsn,
          source_oid pg_catalog.oid,
          target_oid pg_catalog.oid,
          column_numbers text[],
          scans_for_rows boolean,
          unsent_kinds text,
          sending text,
          membership text not null,
          copy_attempt text,
          rows_copied bigint,
          definition text[],
          seen_definition text[],
          seen_lsn pg_catalog.pg_lsn,
          is_refilled boolean,
          leaving_lsn pg_catalog.pg_lsn,
          doubt text,
          target_schema text,
          target_table text,
          former_schema text,
          former_table text,
          masks text[],
          updated_at timestamptz not null default pg_catalog.clock_timestamp(),
          primary key (stream, schema_name, table_name)
        )
        """

    /// What tables of an earlier version may lack.
    private static let laterColumns = [
        "leat.progress": [
            "spool": "text", "selection": "text[]", "last_transaction": "text",
            "slot_lsn": "pg_catalog.pg_lsn", "zone": "text",
            "halted_at": "timestamptz", "halt_code": "integer", "halt_message": "text",
            "halt_advice": "text",
            "source_database_oid": "pg_catalog.oid", "target_database_oid": "pg_catalog.oid",
        ],
        "leat.tables": [
            "source_oid": "pg_catalog.oid", "target_oid": "pg_catalog.oid",
            "column_numbers": "text[]", "scans_for_rows": "boolean", "unsent_kinds": "text",
            "sending": "text",
            "definition": "text[]", "seen_definition": "text[]", "seen_lsn": "pg_catalog.pg_lsn",
            "is_refilled": "boolean", "leaving_lsn": "pg_catalog.pg_lsn",
            "doubt": "text", "target_schema": "text", "target_table": "text",
            "former_schema": "text", "former_table": "text", "masks": "text[]",
        ],
        "leat.conflicts": ["target_schema": "text", "target_table": "text"],
    ]

    /// Conflicts that were resolved without a stop, each stored in the transaction that resolved
    /// it.
    private static let conflicts = """
        create table leat.conflicts (
          id bigint generated always as identity primary key,
          stream text not null,
          time timestamptz not null default pg_catalog.clock_timestamp(),
          lsn pg_catalog.pg_lsn not null,
          xid bigint not null,
          schema_name text not null,
          table_name text not null,
          kind text not null,
          policy text not null check (policy in ('apply', 'skip')),
          key_columns text[] not null,
          key_values text[],
          constraint_name text,
          message text,
          target_schema text,
          target_table text
        )
        """

    /// Triggers that `--role disable-triggers` has disabled, and how they were before.
    private static let triggers = """
        create table leat.triggers (
          stream text not null,
          schema_name text not null,
          table_name text not null,
          trigger_name text not null,
          enabled "char" not null check (enabled in ('O', 'A')),
          disabled_at timestamptz not null default pg_catalog.clock_timestamp(),
          primary key (stream, schema_name, table_name, trigger_name)
        )
        """

    /// The partitions of followed tables, and what happened to them that is not sent.
    private static let partitions = """
        create table leat.partitions (
          stream text not null,
          root_oid pg_catalog.oid not null,
          partition_oid pg_catalog.oid not null,
          schema_name text not null,
          table_name text not null,
          change text check (change in ('attached', 'detached', 'dropped')),
          noticed_at timestamptz not null default pg_catalog.clock_timestamp(),
          primary key (stream, root_oid, partition_oid)
        )
        """

    /// Truncates that were applied since the source's tables were looked at.
    private static let truncates = """
        create table leat.truncates (
          stream text not null,
          source_oid pg_catalog.oid not null,
          xid bigint not null,
          is_refilled boolean not null,
          primary key (stream, source_oid, xid)
        )
        """

    /// What a stream's last start left out: new tables that do not fit, what is not sent, and what
    /// it followed once.
    private static let leftOut = """
        create table leat.left_out (
          stream text not null,
          kind text not null check (kind in ('unfit', 'unsent', 'former')),
          object text not null,
          reason text not null,
          noticed_at timestamptz not null default pg_catalog.clock_timestamp(),
          primary key (stream, kind, object)
        )
        """

    /// What `replay --schema` makes once the base's rows are there. Its stream may have no row yet.
    private static let pendingSchema = """
        create table leat.pending_schema (
          stream text primary key,
          statements text[] not null
        )
        """

    /// What is asked of the process that runs a stream, and what it answers.
    private static let requests = """
        create table leat.requests (
          id bigint generated always as identity primary key,
          stream text not null,
          request text not null check (request in ('status', 'stop')),
          end_lsn pg_catalog.pg_lsn,
          requested_at timestamptz not null default pg_catalog.clock_timestamp(),
          answer text,
          answered_at timestamptz
        )
        """

    /// In the order of their making; the first two are those that a stream cannot be without.
    private static let all = [
        ("leat.progress", progress), ("leat.tables", tables), ("leat.conflicts", conflicts),
        ("leat.triggers", triggers), ("leat.partitions", partitions),
        ("leat.left_out", leftOut), ("leat.pending_schema", pendingSchema),
        ("leat.truncates", truncates), ("leat.requests", requests),
    ]

    /// Creates what is missing. `if not exists` alone asks for the right to create even then, and
    /// two streams that start together would still collide.
    ///
    /// - Throws: ``Halt`` (exit code 6), also if somebody else may have made the schema.
    package static func ensure(_ session: Session) throws {
        try TrustedSchema.check(session)
        guard try !isComplete(session) else { return }
        try session.transaction {
            try waitForOthers(session)
            try create(session)
        }
        // Somebody may have been faster.
        try TrustedSchema.check(session)
    }

    /// Another stream that makes the tables takes a moment. Whoever holds the lock for longer is none.
    private static func waitForOthers(_ session: Session) throws {
        for _ in 1...50 {
            let has = try session.query("select pg_catalog.pg_try_advisory_xact_lock(\(lock), 0)")
            if try has.bool() { return }
            try session.query("select pg_catalog.pg_sleep(0.1)")
        }
    }

    /// First key of the lock: beside the streams' own space.
    private static let lock = "1818386805"

    private static func create(_ session: Session) throws {
        // Before anything fails: nothing can be asked then.
        let role = try session.role()
        let database = SQLText.identifier(
            try session.query("select pg_catalog.current_database() as name").onlyRecord()
                .text("name"))
        do {
            if try !exists("to_regnamespace", named: "leat", on: session) {
                try session.execute("create schema if not exists leat")
            }
            for (name, definition) in all where try !isThere(name, on: session) {
                try session.execute(definition)
            }
            try addLaterColumns(session)
        } catch let error as ConnectionError where error.server?.context != nil {
            // What comes from a function is no missing right, whatever its code says.
            throw Halt(
                .preflight,
                """
                A function of the target, as of an event trigger, refuses schema leat and its \
                tables: \(error).
                """,
                advice: """
                    alter event trigger ... disable; start Leat once, then enable it again. Or have \
                    it let the role pass.
                    """)
        } catch let error as ConnectionError where error.sqlState == .insufficientPrivilege {
            throw Halt(
                .preflight, "The target role may not create schema leat and its tables: \(error).",
                advice: """
                    On the target, as an administrator, one of these:
                    grant create on database \(database) to \(role);
                    create schema leat authorization \(role);
                    """)
        }
    }

    private static func addLaterColumns(_ session: Session) throws {
        for (table, later) in laterColumns.sorted(by: { $0.key < $1.key }) {
            let columns = try missingColumns(of: table, on: session).map { name in
                "add column if not exists \(name) \(later[name] ?? "text")"
            }
            guard !columns.isEmpty else { continue }
            try session.execute("alter table \(table) \(columns.joined(separator: ", "))")
        }
    }

    private static func missingColumns(of table: String, on session: Session) throws -> [String] {
        let present = Set(
            try session.query(
                """
                select attname from pg_catalog.pg_attribute
                where attrelid = pg_catalog.to_regclass($1) and attnum > 0
                """, with: [table]
            ).texts())
        return laterColumns[table, default: [:]].keys.filter { !present.contains($0) }.sorted()
    }

    private static func isComplete(_ session: Session) throws -> Bool {
        try all.allSatisfy { try isThere($0.0, on: session) }
            && laterColumns.keys.allSatisfy { try missingColumns(of: $0, on: session).isEmpty }
    }

    package static func isPresent(_ session: Session) throws -> Bool {
        try TrustedSchema.checkShape(session)
        return try all.prefix(2).allSatisfy { try isThere($0.0, on: session) }
    }

    /// Whether one of the tables is there: an older Leat made fewer.
    ///
    /// - Throws: ``Halt`` (exit code 6) if something was attached to the schema's tables.
    package static func isPresent(_ table: String, on session: Session) throws -> Bool {
        guard try isThere(table, on: session) else { return false }
        try TrustedSchema.checkShape(session)
        return true
    }

    private static func isThere(_ table: String, on session: Session) throws -> Bool {
        try exists("to_regclass", named: table, on: session)
    }

    private static func exists(
        _ function: String, named name: String, on session: Session
    ) throws -> Bool {
        try session.query("select pg_catalog.\(function)($1) is not null", with: [name]).bool()
    }
}
