/// The type of a column in histories with DDL: its values, and what an ALTER makes of them.
enum HistoryDDLType: String, Sendable, Equatable {
    case integer = "int"
    case large = "bigint"
    case text
    case short = "varchar(5)"
    case decimal = "numeric"
    case float = "float8"
    case date
    case time = "timestamp"
    case zoned = "timestamptz"
    case seconds = "timestamptz(0)"

    struct Retyping: Sendable, Equatable {
        var type: HistoryDDLType
        /// With `#` for the column.
        var using: String?

        init(_ type: HistoryDDLType, using: String? = nil) {
            self.type = type
            self.using = using
        }
    }

    /// SQL for the value that belongs to a number.
    func value(_ number: String) -> String {
        switch self {
        case .integer, .large: "(\(number))"
        case .text: "'word ' || (\(number))"
        case .short: "left('w' || (\(number)), 5)"
        case .decimal: "(\(number)) * 1.50"
        case .float: "(\(number)) + 0.25"
        case .date: "date '2026-01-01' + (\(number))"
        case .time: "timestamp '2026-01-01 12:34:56.7' + (\(number)) * interval '1 h'"
        case .zoned, .seconds:
            "timestamptz '2026-01-01 12:34:56.7+00' + (\(number)) * interval '1 h'"
        }
    }

    /// Which any value takes; the target's column may have another type, whose rows go.
    var retypings: [Retyping] {
        switch self {
        case .integer:
            [
                .init(.large), .init(.decimal), .init(.text),
                .init(.integer, using: "#::int + 100"),
                .init(.text, using: "'n' || #::text"),
            ]
        case .large: [.init(.large, using: "#::bigint + 7"), .init(.decimal)]
        case .text:
            [
                .init(.text, using: "upper(#::text)"), .init(.short, using: "left(#::text, 5)"),
                .init(.text, using: "#::text || '!'"),
            ]
        case .short: [.init(.text), .init(.short, using: "lower(#::text)")]
        case .decimal: [.init(.text), .init(.decimal, using: "#::numeric * 2")]
        case .float: [.init(.integer), .init(.decimal)]
        case .date: [.init(.time), .init(.date, using: "#::date + 1")]
        case .time: [.init(.date), .init(.time, using: "#::timestamp + interval '1 s'")]
        case .zoned: [.init(.seconds)]
        case .seconds: [.init(.zoned)]
        }
    }

    var isWhole: Bool { self == .integer || self == .large }
}
