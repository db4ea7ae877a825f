internal import LeatCore
internal import PGWire

/// A slot's lag as `leat slot lag --json` prints it.
public struct SlotLagReport: Sendable, Codable, Equatable {
    public var slot: String
    public var position: String
    public var walEnd: String
    public var lagBytes: Int
    /// At least; nil if nothing can tell.
    public var lagSeconds: Double?
    /// What told the seconds.
    public var lagSecondsFrom: String?
    public var retainedBytes: Int?
    public var safeWALBytes: Int?
    public var walStatus: String?
    public var isActive: Bool
    public var stream: SlotReport.Stream?

    public init(_ lag: SlotLag) {
        slot = lag.slot.name
        (position, walEnd) = (lag.position.description, lag.limits.walEnd.description)
        (lagBytes, lagSeconds) = (lag.bytes, lag.seconds)
        lagSecondsFrom = lag.secondsFrom?.rawValue
        retainedBytes = lag.slot.retainedBytes(at: lag.limits.walEnd)
        safeWALBytes = lag.slot.safeWALBytes
        walStatus = lag.slot.walStatus?.rawValue
        isActive = lag.slot.isActive
        stream = lag.stream.map { SlotReport.Stream($0, within: lag.limits) }
    }
}
