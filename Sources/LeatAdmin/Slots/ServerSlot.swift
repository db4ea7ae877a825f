internal import LeatCore
public import PGWire

/// What a server says of one of its replication slots. What its version does not know, or the
/// role may not see, is nil.
///
/// Source: "pg_replication_slots" and "pg_stat_replication_slots" in the PostgreSQL manual.
public struct ServerSlot: Sendable, Equatable {
    public enum Kind: String, Sendable, Codable {
        case logical, physical
    }

    /// `wal_status`: whether the WAL that the slot needs is there.
    public enum WALStatus: String, Sendable, Codable {
        /// Within `max_wal_size`.
        case reserved
        /// Beyond it, kept for the slot.
        case extended
        /// No longer kept: the next checkpoint may remove it. The slot can still return.
        case unreserved
        /// Gone, or the slot was invalidated for another reason. Nothing brings it back.
        case lost
    }

    /// Who reads from it now.
    public struct Holder: Sendable, Equatable, Codable {
        public var pid: Int
        public var application: String?
        public var role: String?
        /// An address; nil for a local socket, or where the role may not see it.
        public var client: String?
        /// When the session began. RFC 3339, UTC.
        public var since: String?
        /// `flush_lag`: how long ago what the client has last confirmed was written.
        public var flushLagSeconds: Double?

        public init(pid: Int) {
            self.pid = pid
        }
    }

    /// What was decoded for it: `pg_stat_replication_slots`.
    public struct Statistics: Sendable, Equatable, Codable {
        /// Transactions beyond `logical_decoding_work_mem` that went to the source's disk.
        public var spillTxns: Int
        public var spillCount: Int
        public var spillBytes: Int
        /// Those that were sent while in progress.
        public var streamTxns: Int
        public var streamCount: Int
        public var streamBytes: Int
        public var totalTxns: Int
        public var totalBytes: Int
        public var statsReset: String?
    }

    public var name: String
    public var kind: Kind
    /// Of a logical slot, as `database`.
    public var plugin: String?
    public var database: String?
    public var isTemporary = false
    public var isActive = false
    public var holder: Holder?
    /// The oldest WAL that is kept for it.
    public var restartLSN: LSN?
    /// What its reader has said it no longer needs; logical slots only.
    public var confirmedFlushLSN: LSN?
    public var walStatus: WALStatus?
    /// What may still be written before it is lost; nil without a limit.
    public var safeWALBytes: Int?
    /// As 17 and newer call it; on 16 `conflicting` stands for all others than `wal_removed`.
    public var invalidationReason: String?
    public var xmin: String?
    public var xminAge: Int?
    public var catalogXmin: String?
    public var catalogXminAge: Int?
    public var isTwoPhase: Bool?
    /// 17 and newer.
    public var isFailover: Bool?
    /// Kept in step with the primary's slot of this name: 17 and newer, on a standby.
    public var isSynced: Bool?
    /// 17 and newer. RFC 3339, UTC.
    public var inactiveSince: String?
    public var inactiveSeconds: Double?
    public var statistics: Statistics?

    public init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }

    /// Nothing can be read from it any more.
    public var isLost: Bool { walStatus == .lost || invalidationReason != nil }

    /// It has not reached its consistent point: it goes with the session that makes it, unless that
    /// comes to its end.
    public var isBeingCreated: Bool {
        kind == .logical && isActive && confirmedFlushLSN == nil && !isLost
    }

    /// WAL that the server keeps for it.
    public func retainedBytes(at walEnd: LSN) -> Int? {
        guard !isLost, let restartLSN else { return nil }
        return restartLSN.distance(to: walEnd)
    }

    /// The part of `max_slot_wal_keep_size` that it takes; nil without a limit.
    public func retainedShare(_ limits: SlotLimits) -> Double? {
        guard let limit = limits.slotKeepBytes, limit > 0 else { return nil }
        return retainedBytes(at: limits.walEnd).map { Double($0) / Double(limit) }
    }

    /// From what its reader has confirmed to the end of the server's WAL.
    public func lagBytes(at walEnd: LSN) -> Int? {
        guard !isLost, let read = confirmedFlushLSN ?? restartLSN else { return nil }
        return read.distance(to: walEnd)
    }
}

/// The server's settings and state that say how dangerous a slot is.
public struct SlotLimits: Sendable, Equatable {
    /// The end of the server's WAL; on a standby of what it has replayed.
    public var walEnd: LSN
    /// `max_slot_wal_keep_size`; nil for none.
    public var slotKeepBytes: Int?
    public var maxWALBytes: Int
    public var autovacuumFreezeMaxAge: Int
    public var vacuumFailsafeAge: Int
    /// `idle_replication_slot_timeout`, 18 and newer; nil for none.
    public var idleTimeoutSeconds: Double?

    public init(
        walEnd: LSN, slotKeepBytes: Int? = nil, maxWALBytes: Int = 1 << 30,
        autovacuumFreezeMaxAge: Int = 200_000_000, vacuumFailsafeAge: Int = 1_600_000_000,
        idleTimeoutSeconds: Double? = nil
    ) {
        self.walEnd = walEnd
        self.slotKeepBytes = slotKeepBytes
        self.maxWALBytes = maxWALBytes
        self.autovacuumFreezeMaxAge = autovacuumFreezeMaxAge
        self.vacuumFailsafeAge = vacuumFailsafeAge
        self.idleTimeoutSeconds = idleTimeoutSeconds
    }
}
