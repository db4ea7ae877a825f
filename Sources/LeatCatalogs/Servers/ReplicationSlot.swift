package import LeatCore
package import PGClient
internal import PGWire

/// Reads and drops slots on the source.
package struct ReplicationSlot {
    package let session: Session
    package let name: String

    package init(session: Session, name: String) {
        self.session = session
        self.name = name
    }

    package func facts() throws -> StartFacts.Slot? {
        try session.query(
            """
            select plugin, database, temporary, two_phase, confirmed_flush_lsn, wal_status,
              pg_catalog.to_jsonb(s) ->> 'invalidation_reason' as reason
            from pg_catalog.pg_replication_slots s where slot_name = $1
            """, with: [name]
        ).firstRecord.map { row in
            var slot = StartFacts.Slot(
                plugin: try row.optionalText("plugin"),
                database: try row.optionalText("database"),
                isTemporary: try row.bool("temporary"), isTwoPhase: try row.bool("two_phase"),
                confirmedFlushLSN: try row.optionalLSN("confirmed_flush_lsn"),
                walStatus: try row.optionalText("wal_status"))
            slot.invalidationReason = try row.optionalText("reason")
            return slot
        }
    }

    /// - Throws: ``Halt`` with exit code 3 if somebody reads from it.
    package func drop() throws {
        do {
            try session.query("select pg_catalog.pg_drop_replication_slot($1)", with: [name])
        } catch {
            // Undefined: it is gone already.
            if error.sqlState == .undefinedObject { return }
            guard error.sqlState == .objectInUse else { throw error }
            throw Halt(
                .source, "Slot \(name) is in use by \(try user()), so it cannot be dropped.",
                advice: "Stop that process first.", kind: .slotInUse)
        }
    }

    /// Who reads from the slot, in words.
    package func user() throws -> String {
        let row = try session.query(
            """
            select s.active_pid,
              coalesce(nullif(a.application_name, ''), 'no application_name') as application,
              coalesce(pg_catalog.host(a.client_addr), 'a local socket') as client,
              a.backend_type
            from pg_catalog.pg_replication_slots s
            left join pg_catalog.pg_stat_activity a on a.pid = s.active_pid
            where s.slot_name = $1 and s.active_pid is not null
            """, with: [name]
        ).firstRecord
        guard let row else { return "nobody now" }
        let (pid, application) = (try row.int("active_pid"), try row.text("application"))
        // No more of it is to be seen by a role that is not in pg_monitor.
        guard let type = try row.optionalText("backend_type") else {
            return "process \(pid) (\(application))"
        }
        return "\(type) \(pid) (\(application), to \(try row.text("client")))"
    }
}
