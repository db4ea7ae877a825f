internal import LeatCore
internal import PGClient
public import PGWire

/// The slot that is looked into, as it was at the start.
public struct PeekedSlot: Sendable {
    public var name: String
    public var plugin: String
    public var database: String
    /// Process ID of the walsender that reads from it, if any.
    public var activePID: Int?
    public var restartLSN: LSN
    public var confirmedFlushLSN: LSN
}

extension PeekedSlot {
    /// - Throws: ``Halt`` if there is no such slot, or nothing can be read from it.
    static func read(_ name: String, on session: Session) throws -> PeekedSlot {
        let row = try session.query(
            """
            select slot_type, plugin, database, pg_catalog.current_database() as current,
              two_phase, wal_status, active_pid, restart_lsn, confirmed_flush_lsn,
              pg_catalog.to_jsonb(s) ->> 'invalidation_reason' as reason
            from pg_catalog.pg_replication_slots s where slot_name = $1
            """, with: [name]
        ).firstRecord
        guard let row else { throw SlotStreams.noSlot(name) }
        guard try row.text("slot_type") == "logical" else {
            throw Halt(
                .configuration,
                """
                Slot \(name) is a physical one: it keeps WAL for a standby or a backup, and no \
                changes can be read from it.
                """)
        }
        let (database, current) = (try row.text("database"), try row.text("current"))
        guard current.isSameName(as: database) else {
            throw Halt(
                .configuration,
                "Slot \(name) is of database \(database), and --source leads to \(current).",
                advice: "Give --source with \(Conninfo.setting("dbname", to: database)).")
        }
        guard try !row.bool("two_phase") else { throw twoPhase(name) }
        guard try row.optionalText("wal_status") != "lost",
            let restart = try row.optionalLSN("restart_lsn")
        else {
            let reason = InvalidationReason.text(try row.optionalText("reason"))
            throw Halt(
                .positionMismatch,
                """
                Slot \(name) is lost: \(reason). Nothing can be read from \
                it any more.
                """,
                advice: "Drop it (leat slot drop \(name)), and begin anew whatever read from it.")
        }
        guard let confirmed = try row.optionalLSN("confirmed_flush_lsn") else {
            throw Halt(
                .positionMismatch,
                "Slot \(name) has not reached a consistent point: its creation never ended.",
                advice: "Wait for its creation, or drop it.")
        }
        return PeekedSlot(
            name: name, plugin: try row.text("plugin"), database: database,
            activePID: try row.optionalInt("active_pid"), restartLSN: restart,
            confirmedFlushLSN: confirmed)
    }

    private static func twoPhase(_ name: String) -> Halt {
        Halt(
            .configuration,
            """
            Slot \(name) is a two-phase one. A copy of it would not show the transactions that \
            were prepared before its position, so it is not read.
            """,
            advice:
                "select * from pg_logical_slot_peek_binary_changes('\(name)', null, 100) shows them."
        )
    }
}
