internal import LeatConfig

/// A bound for a slot's lag: bytes of WAL, such as `512MB`, or a time, such as `5min`.
public enum LagThreshold: Sendable, Equatable {
    case bytes(Int)
    case seconds(Double)

    /// With a unit: a bare number would be neither.
    public init?(_ text: String) {
        if let bytes = UnitText.bytes(withUnit: text) {
            self = .bytes(Int(bytes))
        } else if let milliseconds = UnitText.milliseconds(withUnit: text) {
            self = .seconds(milliseconds / 1000)
        } else {
            return nil
        }
    }

    func isReached(bytes: Int, seconds: Double?) -> Bool {
        switch self {
        case .bytes(let bound): bytes >= bound
        case .seconds(let bound): seconds.map { $0 >= bound } ?? false
        }
    }
}

/// What a monitoring system is told: one of the Nagios states.
public enum LagState: Int, Sendable {
    case ok = 0
    case warning = 1
    case critical = 2
    case unknown = 3

    /// - Parameter seconds: Nil if not known: then no bound of that kind is reached.
    public init(
        bytes: Int, seconds: Double?, warning: [LagThreshold], critical: [LagThreshold]
    ) {
        if critical.contains(where: { $0.isReached(bytes: bytes, seconds: seconds) }) {
            self = .critical
        } else if warning.contains(where: { $0.isReached(bytes: bytes, seconds: seconds) }) {
            self = .warning
        } else {
            self = .ok
        }
    }

    public var name: String { "\(self)".uppercased() }
}
