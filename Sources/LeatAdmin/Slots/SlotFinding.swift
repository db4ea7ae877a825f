public import PGWire

/// One thing that is wrong with a slot, or soon will be.
public struct SlotFinding: Sendable, Equatable {
    public enum Level: Int, Sendable, Comparable, CaseIterable {
        case ok, notice, warning, critical

        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }

        /// As `--json` spells it.
        public var name: String { "\(self)" }
    }

    /// The worst first: what loses changes, what takes the server down with its disk, what
    /// harms it slowly, what is only worth knowing.
    public enum Kind: String, Sendable, CaseIterable {
        /// A stream's slot is not on the server.
        case missing
        /// Nothing can be read from it any more.
        case lost
        /// Confirmed beyond what its stream has stored.
        case ahead
        /// The next checkpoint may remove its WAL.
        case unreserved
        /// Near `max_slot_wal_keep_size`.
        case nearLimit = "near_limit"
        /// Much WAL, and no limit before the disk is full.
        case noLimit = "no_limit"
        /// Old transaction IDs that vacuum must leave alone.
        case oldXmin = "old_xmin"
        /// Near `idle_replication_slot_timeout`.
        case idleTimeout = "idle_timeout"
        /// Nobody has read from it for long.
        case forgotten
        /// A standby's copy of the primary's slot that could not take its place yet.
        case notReady = "not_ready"
        /// Nobody reads from it now.
        case inactive
    }

    public var level: Level
    public var kind: Kind
    /// A clause without a full stop.
    public var message: String
    /// What to do, as a sentence.
    public var advice: String?

    public init(_ level: Level, kind: Kind, message: String, advice: String? = nil) {
        (self.level, self.kind, self.message, self.advice) = (level, kind, message, advice)
    }
}

/// What is known of the stream that a slot belongs to.
public struct SlotStream: Sendable, Equatable {
    public var stream: String
    /// `creating` or `streaming`.
    public var state: String
    /// Every transaction that ends at or before it is stored.
    public var position: LSN
    /// When the last stored transaction was committed on the source. RFC 3339, UTC.
    public var commitTime: String?
    public var slot: String
    public var systemIdentifier: String
    public var database: String

    public init(
        stream: String, state: String, position: LSN, commitTime: String? = nil, slot: String,
        systemIdentifier: String, database: String
    ) {
        (self.stream, self.state, self.position) = (stream, state, position)
        (self.commitTime, self.slot) = (commitTime, slot)
        (self.systemIdentifier, self.database) = (systemIdentifier, database)
    }
}
