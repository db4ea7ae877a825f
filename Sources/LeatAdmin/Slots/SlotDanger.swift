internal import LeatCore
internal import PGWire

/// How dangerous a slot is to its server and to its reader, and why.
///
/// The bounds are the server's own wherever it has some: `max_slot_wal_keep_size`,
/// `max_wal_size`, `autovacuum_freeze_max_age`, `vacuum_failsafe_age`,
/// `idle_replication_slot_timeout`.
public struct SlotDanger: Sendable, Equatable {
    /// Shares of `max_slot_wal_keep_size` from which on a slot is near it.
    static let (warningShare, criticalShare) = (0.7, 0.9)
    /// Without a limit: so many times `max_wal_size`.
    static let criticalMultiple = 10
    /// A slot that nobody has read for a day has been forgotten.
    static let forgottenSeconds = 86_400.0
    /// Of `idle_replication_slot_timeout`.
    static let idleShare = 0.8

    /// The worst first.
    public let findings: [SlotFinding]
    private let retainedBytes: Int
    private let name: String

    public init(_ slot: ServerSlot, within limits: SlotLimits, stream: SlotStream? = nil) {
        name = slot.name
        retainedBytes = slot.retainedBytes(at: limits.walEnd) ?? 0
        findings =
            slot.isLost
            ? [SlotDanger.lost(slot)]
            : [
                SlotDanger.ahead(slot, of: stream), SlotDanger.space(of: slot, within: limits),
                SlotDanger.age(of: slot, within: limits),
                SlotDanger.idleTimeout(of: slot, within: limits),
                SlotDanger.activity(slot),
            ].compactMap { $0 }.sorted(by: SlotDanger.isWorse)
    }

    /// The slot of a stream that is not on the server.
    public init(missing stream: SlotStream) {
        name = stream.slot
        retainedBytes = 0
        findings = [
            SlotFinding(
                .critical, kind: .missing,
                message: """
                    stream \(stream.stream) needs it from \(stream.position) on, and the server does \
                    not have it
                    """,
                advice: """
                    Was it dropped, or lost in a failover? Begin the stream anew: leat cleanup, \
                    then leat sync --truncate.
                    """)
        ]
    }

    public var level: SlotFinding.Level { findings.first?.level ?? .ok }

    /// The order of a list: by level, then by the kind of danger, then by the WAL that is kept.
    public static func isWorse(_ left: SlotDanger, than right: SlotDanger) -> Bool {
        switch (left.findings.first, right.findings.first) {
        case (let first?, let second?)
        where first.level != second.level || first.kind != second.kind:
            return isWorse(first, second)
        case (.some, nil): return true
        case (nil, .some): return false
        default: break
        }
        guard left.retainedBytes == right.retainedBytes else {
            return left.retainedBytes > right.retainedBytes
        }
        return left.name < right.name
    }

    private static func isWorse(_ left: SlotFinding, _ right: SlotFinding) -> Bool {
        guard left.level == right.level else { return left.level > right.level }
        let order = SlotFinding.Kind.allCases
        return (order.firstIndex(of: left.kind) ?? 0) < (order.firstIndex(of: right.kind) ?? 0)
    }
}

// MARK: Findings

extension SlotDanger {
    private static func lost(_ slot: ServerSlot) -> SlotFinding {
        SlotFinding(
            .critical, kind: .lost,
            message:
                "invalidated (\(slot.invalidationReason ?? "wal_removed")): nothing can read it again",
            advice: slot.isSynced == true
                ? "Drop it; the standby makes it anew from the primary's."
                : "Drop it, and begin its reader anew: leat slot drop \(slot.name)")
    }

    private static func ahead(_ slot: ServerSlot, of stream: SlotStream?) -> SlotFinding? {
        guard let stream, stream.state != "creating", let confirmed = slot.confirmedFlushLSN,
            confirmed > stream.position
        else { return nil }
        return SlotFinding(
            .critical, kind: .ahead,
            message: """
                confirmed beyond position \(stream.position) of stream \(stream.stream): the changes \
                between are gone
                """, advice: "Begin the stream anew: leat cleanup, then leat sync --truncate.")
    }

    private static func space(of slot: ServerSlot, within limits: SlotLimits) -> SlotFinding? {
        guard let retained = slot.retainedBytes(at: limits.walEnd) else { return nil }
        if slot.walStatus == .unreserved {
            return SlotFinding(
                .critical, kind: .unreserved,
                message: "beyond max_slot_wal_keep_size: the next checkpoint may remove its WAL",
                advice: rescue(slot))
        }
        if let share = slot.retainedShare(limits) { return nearLimit(slot, at: share) }
        guard limits.slotKeepBytes == nil, retained > limits.maxWALBytes else { return nil }
        let isCritical = retained / criticalMultiple >= limits.maxWALBytes
        return SlotFinding(
            isCritical ? .critical : .warning, kind: .noLimit,
            message: """
                holds \(Units.bytes(retained)) of WAL, and nothing stops it before the disk is full
                """,
            advice: """
                \(slot.isActive ? "Its reader is behind" : "Read it, or drop it"); \
                max_slot_wal_keep_size on the server would limit it.
                """)
    }

    private static func nearLimit(_ slot: ServerSlot, at share: Double) -> SlotFinding? {
        guard share >= warningShare else { return nil }
        let left = slot.safeWALBytes.map { "; lost after \(Units.bytes(max($0, 0))) more" } ?? ""
        return SlotFinding(
            share >= criticalShare ? .critical : .warning, kind: .nearLimit,
            message: "holds \(Units.percent(share)) of max_slot_wal_keep_size\(left)",
            advice: rescue(slot))
    }

    private static func rescue(_ slot: ServerSlot) -> String {
        slot.isActive
            ? "Its reader is behind; raise max_slot_wal_keep_size (a reload) until it has caught up."
            : "Read it, or drop it; raising max_slot_wal_keep_size (a reload) gains time."
    }

    private static func age(of slot: ServerSlot, within limits: SlotLimits) -> SlotFinding? {
        let ages = [("xmin", slot.xminAge), ("catalog_xmin", slot.catalogXminAge)]
        guard let (column, age) = ages.max(by: { $0.1 ?? 0 < $1.1 ?? 0 }), let age,
            age >= limits.autovacuumFreezeMaxAge
        else { return nil }
        return SlotFinding(
            age >= limits.vacuumFailsafeAge ? .critical : .warning, kind: .oldXmin,
            message:
                "its \(column) is \(Units.count(age)) transactions old, and vacuum has to leave those",
            advice: "Read it, or drop it, before transaction IDs run out.")
    }

    private static func idleTimeout(of slot: ServerSlot, within limits: SlotLimits) -> SlotFinding?
    {
        guard !slot.isActive, slot.isSynced != true, slot.restartLSN != nil,
            let timeout = limits.idleTimeoutSeconds, let idle = slot.inactiveSeconds,
            idle >= timeout * idleShare
        else { return nil }
        let left = Units.duration(seconds: max(timeout - idle, 0))
        return SlotFinding(
            .warning, kind: .idleTimeout,
            message: "idle_replication_slot_timeout invalidates it in \(left)",
            advice: "Read it before, or raise the setting.")
    }

    private static func activity(_ slot: ServerSlot) -> SlotFinding? {
        if slot.isSynced == true, slot.isTemporary {
            return SlotFinding(
                .notice, kind: .notReady,
                message: "not ready for a failover yet: the standby does not have all that it needs"
            )
        }
        // A standby's copy of the primary's slot is read by nobody until a failover.
        guard !slot.isActive, slot.isSynced != true else { return nil }
        guard slot.restartLSN != nil else {
            return SlotFinding(.notice, kind: .inactive, message: "never used: it keeps no WAL yet")
        }
        guard let idle = slot.inactiveSeconds else {
            return SlotFinding(.notice, kind: .inactive, message: "nobody reads it now")
        }
        guard idle >= forgottenSeconds else {
            return SlotFinding(
                .notice, kind: .inactive,
                message: "nobody has read it for \(Units.duration(seconds: idle))")
        }
        return SlotFinding(
            .warning, kind: .forgotten,
            message: "nobody has read it for \(Units.duration(seconds: idle))",
            advice: "Is it still needed? Else: leat slot drop \(slot.name)")
    }
}
