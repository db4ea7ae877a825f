internal import LeatCore
internal import PGWire

/// One slot as `leat slot list --json` prints it. What the server does not have, or the role may
/// not see, is left out.
public struct SlotReport: Sendable, Codable, Equatable {
    public struct Finding: Sendable, Codable, Equatable {
        public var level: String
        public var kind: String
        public var message: String
        public var advice: String?
    }

    public struct Stream: Sendable, Codable, Equatable {
        public var name: String
        public var position: String
        public var commitTime: String?
        /// From the position to the end of the source's WAL.
        public var lagBytes: Int
    }

    public var name: String
    /// `ok`, `notice`, `warning` or `critical`.
    public var level: String
    /// The worst first.
    public var findings: [Finding]
    /// False: a stream needs it, and the server does not have it.
    public var exists: Bool
    /// `logical` or `physical`.
    public var type: String?
    public var plugin: String?
    public var database: String?
    public var isTemporary: Bool?
    public var isActive: Bool?
    public var holder: ServerSlot.Holder?
    public var restartLSN: String?
    public var confirmedFlushLSN: String?
    public var retainedBytes: Int?
    /// Of `max_slot_wal_keep_size`.
    public var retainedShare: Double?
    public var safeWALBytes: Int?
    public var lagBytes: Int?
    public var walStatus: String?
    public var invalidationReason: String?
    public var xmin: String?
    public var xminAge: Int?
    public var catalogXmin: String?
    public var catalogXminAge: Int?
    public var isTwoPhase: Bool?
    public var isFailover: Bool?
    public var isSynced: Bool?
    public var inactiveSince: String?
    public var statistics: ServerSlot.Statistics?
    public var stream: Stream?

    public init(_ entry: SlotOverview.Entry, within limits: SlotLimits) {
        name = entry.name
        level = entry.danger.level.name
        findings = entry.danger.findings.map(Finding.init)
        exists = entry.slot != nil
        stream = entry.stream.map { Stream($0, within: limits) }
        if let slot = entry.slot { fill(from: slot, within: limits) }
    }

    private mutating func fill(from slot: ServerSlot, within limits: SlotLimits) {
        (type, plugin, database) = (slot.kind.rawValue, slot.plugin, slot.database)
        (isTemporary, isActive, holder) = (slot.isTemporary, slot.isActive, slot.holder)
        restartLSN = slot.restartLSN?.description
        confirmedFlushLSN = slot.confirmedFlushLSN?.description
        retainedBytes = slot.retainedBytes(at: limits.walEnd)
        retainedShare = slot.retainedShare(limits)
        (safeWALBytes, lagBytes) = (slot.safeWALBytes, slot.lagBytes(at: limits.walEnd))
        (walStatus, invalidationReason) = (slot.walStatus?.rawValue, slot.invalidationReason)
        (xmin, xminAge) = (slot.xmin, slot.xminAge)
        (catalogXmin, catalogXminAge) = (slot.catalogXmin, slot.catalogXminAge)
        (isTwoPhase, isFailover, isSynced) = (slot.isTwoPhase, slot.isFailover, slot.isSynced)
        (inactiveSince, statistics) = (slot.inactiveSince, slot.statistics)
    }
}

extension SlotReport.Finding {
    fileprivate init(_ finding: SlotFinding) {
        (level, kind) = (finding.level.name, finding.kind.rawValue)
        (message, advice) = (finding.message, finding.advice)
    }
}

extension SlotReport.Stream {
    init(_ stream: SlotStream, within limits: SlotLimits) {
        (name, position) = (stream.stream, stream.position.description)
        commitTime = stream.commitTime
        lagBytes = stream.position.distance(to: limits.walEnd)
    }
}
