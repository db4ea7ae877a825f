internal import Foundation
internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// Reads the slots of a server, of any version.
enum SlotCatalog {
    /// All slots, or those named; in no order.
    static func read(_ session: Session, names: [String] = []) throws -> [ServerSlot] {
        // As JSON: each version has other columns, and none is asked for that is not there.
        let text = try session.query(
            """
            select coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(s)
              || pg_catalog.jsonb_build_object(
                'xmin_age', pg_catalog.age(s.xmin),
                'catalog_xmin_age', pg_catalog.age(s.catalog_xmin),
                'statistics', pg_catalog.to_jsonb(t), 'holder', pg_catalog.to_jsonb(h),
                'inactive_seconds', extract(epoch from pg_catalog.clock_timestamp()
                  - (pg_catalog.to_jsonb(s) ->> 'inactive_since')::pg_catalog.timestamptz))), '[]')
            from pg_catalog.pg_replication_slots s
            left join pg_catalog.pg_stat_replication_slots t on t.slot_name = s.slot_name
            left join lateral (
              select a.pid, nullif(a.application_name, '') as application, a.usename as role,
                a.client_addr as client, a.backend_start as since,
                extract(epoch from r.flush_lag) as flush_lag_seconds
              from pg_catalog.pg_stat_activity a
              left join pg_catalog.pg_stat_replication r on r.pid = a.pid
              where a.pid = s.active_pid) h on true
            \(condition(names))
            """
        ).text()
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode([Row].self, from: Data(text.utf8))
            .compactMap(ServerSlot.init)
    }

    private static func condition(_ names: [String]) -> String {
        names.isEmpty ? "" : "where s.slot_name = any (\(SQLText.textArray(names)))"
    }

    static func limits(_ session: Session) throws -> SlotLimits {
        let row = try session.query(
            """
            select case when pg_catalog.pg_is_in_recovery()
                then pg_catalog.pg_last_wal_replay_lsn()
                else pg_catalog.pg_current_wal_flush_lsn() end as wal_end,
              nullif(pg_catalog.pg_size_bytes(
                pg_catalog.current_setting('max_slot_wal_keep_size')), -1) as slot_keep,
              pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')) as max_wal,
              pg_catalog.current_setting('autovacuum_freeze_max_age') as freeze_max_age,
              pg_catalog.current_setting('vacuum_failsafe_age') as failsafe_age,
              nullif(extract(epoch from pg_catalog.current_setting(
                'idle_replication_slot_timeout', true)::pg_catalog.interval), 0) as idle_timeout
            """
        ).onlyRecord()
        var limits = SlotLimits(walEnd: try row.lsn("wal_end"))
        limits.slotKeepBytes = try row.optionalInt("slot_keep")
        limits.maxWALBytes = try row.int("max_wal")
        limits.autovacuumFreezeMaxAge = try row.int("freeze_max_age")
        limits.vacuumFailsafeAge = try row.int("failsafe_age")
        limits.idleTimeoutSeconds = try row.optionalDouble("idle_timeout")
        return limits
    }

    /// - Parameter slots: All of the server.
    static func keptWAL(
        by slots: [ServerSlot], within limits: SlotLimits, on session: Session
    ) throws -> KeptWAL {
        let row = try session.query(
            """
            select redo_lsn,
              pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_keep_size')) as keep
            from pg_catalog.pg_control_checkpoint()
            """
        ).onlyRecord()
        return KeptWAL(
            slots, walEnd: limits.walEnd, redo: try row.lsn("redo_lsn"),
            keepBytes: try row.int("keep"))
    }
}

/// A row of `pg_replication_slots` and what belongs to it, as the query's JSON.
private struct Row: Decodable {
    struct Holder: Decodable {
        var pid: Int
        var application, role, client, since: String?
        var flushLagSeconds: Double?
    }

    var slotName: String
    var slotType: String
    var plugin, database: String?
    var temporary, active: Bool
    var activePid: Int?
    var restartLsn, confirmedFlushLsn: String?
    var walStatus: String?
    var safeWalSize: Int?
    var conflicting: Bool?
    var invalidationReason: String?
    var xmin, catalogXmin: String?
    var xminAge, catalogXminAge: Int?
    var twoPhase, failover, synced: Bool?
    var inactiveSince: String?
    var inactiveSeconds: Double?
    var statistics: ServerSlot.Statistics?
    var holder: Holder?
}

extension ServerSlot {
    /// Nil for a kind of slot that nobody knows yet.
    fileprivate init?(_ row: Row) {
        guard let kind = Kind(rawValue: row.slotType) else { return nil }
        self.init(name: row.slotName, kind: kind)
        (plugin, database) = (row.plugin, row.database)
        (isTemporary, isActive) = (row.temporary, row.active)
        holder = row.holder.map(Holder.init) ?? row.activePid.map { Holder(pid: $0) }
        restartLSN = row.restartLsn.flatMap(LSN.init)
        confirmedFlushLSN = row.confirmedFlushLsn.flatMap(LSN.init)
        walStatus = row.walStatus.flatMap(WALStatus.init)
        safeWALBytes = row.safeWalSize
        invalidationReason = row.invalidationReason ?? ServerSlot.reason(row)
        (xmin, xminAge) = (row.xmin, row.xminAge)
        (catalogXmin, catalogXminAge) = (row.catalogXmin, row.catalogXminAge)
        (isTwoPhase, isFailover, isSynced) = (row.twoPhase, row.failover, row.synced)
        inactiveSince = row.inactiveSince.map(JSONText.time)
        inactiveSeconds = row.inactiveSeconds
        statistics = row.statistics
        statistics?.statsReset = row.statistics?.statsReset.map(JSONText.time)
    }
}

extension ServerSlot {
    /// Before 17 the reason is not told, but only where the WAL is gone `restart_lsn` is too.
    private static func reason(_ row: Row) -> String? {
        if row.walStatus == "lost", row.restartLsn == nil { return "wal_removed" }
        return row.conflicting == true ? "conflicting" : nil
    }
}

extension ServerSlot.Holder {
    fileprivate init(_ row: Row.Holder) {
        self.init(pid: row.pid)
        (application, role, client) = (row.application, row.role, row.client)
        since = row.since.map(JSONText.time)
        flushLagSeconds = row.flushLagSeconds
    }
}
