/// A bound for a slot's lag: bytes of WAL, such as `512MB`, or a time, such as `5min`.
public enum LagThreshold: Sendable, Equatable {
    case bytes(Int)
    case seconds(Double)

    /// Units as in PostgreSQL's settings: `B`, `kB`, `MB`, `GB`, `TB` of 1024 each, and `ms`,
    /// `s`, `min`, `h`, `d`. A bare number would be neither.
    private static let units: [(suffix: String, make: @Sendable (Double) -> LagThreshold)] = [
        ("kB", { .bytes(Int($0 * 1024)) }), ("MB", { .bytes(Int($0 * 1_048_576)) }),
        ("GB", { .bytes(Int($0 * 1_073_741_824)) }),
        ("TB", { .bytes(Int($0 * 1_099_511_627_776)) }), ("B", { .bytes(Int($0)) }),
        ("ms", { .seconds($0 / 1000) }), ("min", { .seconds($0 * 60) }), ("s", { .seconds($0) }),
        ("h", { .seconds($0 * 3600) }), ("d", { .seconds($0 * 86_400) }),
    ]

    public init?(_ text: String) {
        guard let unit = LagThreshold.units.first(where: { text.hasSuffix($0.suffix) }) else {
            return nil
        }
        let digits = text.dropLast(unit.suffix.count)
        let trimmed = digits.last == " " ? digits.dropLast() : digits
        guard let first = trimmed.first, first != ".",
            trimmed.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
            let number = Double(trimmed), number <= 1_000_000
        else { return nil }
        self = unit.make(number)
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
