internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// `leat.triggers`: the triggers that a stream has disabled, and how they were before.
///
/// A table's entries and the `alter table` are one transaction, the entries first. What a crash
/// leaves: nothing of the table, or both. A later start disables what is left; `cleanup` enables
/// what is in the journal, again each table's triggers and entries together.
struct TriggerJournal {
    let session: Session
    let stream: StreamName

    struct Entry: Sendable, Hashable {
        var table: TableName
        var trigger: String
        /// `tgenabled`: O or A.
        var enabled: String
    }

    func entries() throws -> [Entry] {
        guard try LeatSchema.isPresent("leat.triggers", on: session) else { return [] }
        return try session.query(
            """
            select schema_name, table_name, trigger_name, enabled from leat.triggers
            where stream = $1 order by 1, 2, 3
            """, with: [stream.text]
        ).records.map { row in
            Entry(
                table: try row.table("schema_name", name: "table_name"),
                trigger: try row.text("trigger_name"), enabled: try row.text("enabled"))
        }
    }

    // MARK: Disabling

    /// - Parameter firing: Those that are enabled now.
    func disable(_ firing: [TargetEffects.Trigger]) throws {
        for (_, triggers) in Dictionary(grouping: firing, by: \.table).sorted(by: {
            $0.key < $1.key
        }) {
            try session.transaction {
                for trigger in triggers { try write(trigger) }
                FailPoint.triggerJournalled.reached()
                for trigger in triggers { try session.execute(trigger.disabling) }
            }
            FailPoint.triggersDisabled.reached()
        }
    }

    private func write(_ trigger: TargetEffects.Trigger) throws {
        try session.query(
            """
            insert into leat.triggers (stream, schema_name, table_name, trigger_name, enabled)
            values ($1, $2, $3, $4, $5)
            on conflict (stream, schema_name, table_name, trigger_name) do update
              set enabled = excluded.enabled, disabled_at = pg_catalog.clock_timestamp()
            """,
            with: [
                stream.text, trigger.table.schema, trigger.table.name, trigger.name,
                trigger.enabled,
            ])
    }

    /// Triggers that another stream has disabled and this one needs disabled too.
    func share(_ disabled: [TargetEffects.Trigger]) throws {
        for trigger in disabled {
            try session.query(
                """
                insert into leat.triggers (stream, schema_name, table_name, trigger_name, enabled)
                select $1, schema_name, table_name, trigger_name, enabled from leat.triggers
                where stream <> $1 and schema_name = $2 and table_name = $3 and trigger_name = $4
                limit 1
                on conflict do nothing
                """, with: [stream.text, trigger.table.schema, trigger.table.name, trigger.name])
        }
    }

    // MARK: Enabling

    /// Enables what the stream has disabled, unless another stream needs it disabled, or somebody
    /// has decided otherwise since.
    ///
    /// - Returns: How many there were.
    /// - Throws: ``Halt`` (exit code 4) with the statements if the role may not.
    func restore() throws -> Int {
        let entries = try entries()
        for (table, entries) in Dictionary(grouping: entries, by: \.table)
            .sorted(by: { $0.key < $1.key })
        {
            do {
                try session.transaction {
                    for entry in entries { try restore(entry) }
                }
            } catch let error as ConnectionError {
                guard error.sqlState == .insufficientPrivilege else { throw error }
                throw refused(table, entries: entries, error: error)
            }
            FailPoint.triggersEnabled.reached()
        }
        return entries.count
    }

    private func restore(_ entry: Entry) throws {
        if try isDisabledByUs(entry) { try session.execute(entry.enabling) }
        try session.query(
            """
            delete from leat.triggers where stream = $1 and schema_name = $2
              and table_name = $3 and trigger_name = $4
            """, with: [stream.text, entry.table.schema, entry.table.name, entry.trigger])
    }

    private func isDisabledByUs(_ entry: Entry) throws -> Bool {
        try session.query(
            """
            select exists (select from pg_catalog.pg_trigger t
                join pg_catalog.pg_class c on c.oid = t.tgrelid
                join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                where n.nspname = $2 and c.relname = $3 and t.tgname = $4 and t.tgenabled = 'D')
              and not exists (select from leat.triggers o where o.stream <> $1
                and o.schema_name = $2 and o.table_name = $3 and o.trigger_name = $4)
            """, with: [stream.text, entry.table.schema, entry.table.name, entry.trigger]
        ).bool()
    }

    private func refused(
        _ table: TableName, entries: [Entry], error: ConnectionError
    ) -> Halt {
        Halt(
            .target, "The triggers of \(table) that Leat has disabled cannot be enabled: \(error).",
            advice: "As the table's owner, on the target, then try again:\n"
                + entries.map(\.enabling).joined(separator: "\n"))
    }
}

extension TriggerJournal.Entry {
    var enabling: String {
        let always = enabled == "A" ? "always " : ""
        let name = SQLText.identifier(trigger)
        return "alter table only \(table.quoted) enable \(always)trigger \(name);"
    }
}
