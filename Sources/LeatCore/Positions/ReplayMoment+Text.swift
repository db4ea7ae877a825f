public import PGWire

extension ReplayMoment {
    /// From an LSN (`16/B374D848`) or a time: `2026-11-25 14:00`, also with `T`, seconds and a
    /// fraction, and a zone as `Z`, `+02` or `-03:30`; without one it is UTC.
    public init?(_ text: String) {
        if let lsn = LSN(text) {
            self = .lsn(lsn)
        } else if let time = PostgresTimestamp(text: text) {
            self = .time(time)
        } else {
            return nil
        }
    }
}

extension ReplayMoment: CustomStringConvertible {
    public var description: String {
        switch self {
        case .lsn(let lsn): "\(lsn)"
        case .time(let time): time.rfc3339
        }
    }
}

extension PostgresTimestamp {
    private static let dayMicroseconds: Int64 = 86_400_000_000

    /// RFC 3339, UTC, to the microsecond: `2026-11-25T14:00:00.123456Z`.
    public var rfc3339: String {
        let unix = unixMicroseconds
        var days = unix / Self.dayMicroseconds
        var rest = unix % Self.dayMicroseconds
        if rest < 0 { (days, rest) = (days - 1, rest + Self.dayMicroseconds) }
        let (year, month, day) = Self.date(days)
        let seconds = rest / 1_000_000
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        func padded(_ number: Int64, to width: Int) -> String {
            let digits = "\(number)"
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        return "\(padded(year, to: 4))-\(two(month))-\(two(day))T\(two(seconds / 3600))"
            + ":\(two(seconds / 60 % 60)):\(two(seconds % 60)).\(padded(rest % 1_000_000, to: 6))Z"
    }

    /// Of a day counted from 1970-01-01, in the Gregorian calendar.
    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        // Years that begin in March, in eras of 400: the leap day is then the last of its year.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        return (
            yearOfEra + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9,
            dayOfYear - (153 * month + 2) / 5 + 1
        )
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            - 719_468
    }

    /// Nil for what is no such time.
    init?(text: String) {
        let form =
            /(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)? ?(Z|[+-]\d\d(?::?\d\d)?)?/
        guard let parts = text.wholeMatch(of: form)?.output,
            let year = Int64(parts.1), let month = Int64(parts.2), let day = Int64(parts.3)
        else { return nil }
        let (hour, minute) = (Int64(parts.4 ?? "0") ?? 0, Int64(parts.5 ?? "0") ?? 0)
        let second = Int64(parts.6 ?? "0") ?? 0
        let fraction = (parts.7 ?? "") + String(repeating: "0", count: 6 - (parts.7 ?? "").count)
        let days = Self.days(year: year, month: month, day: day)
        guard Self.date(days) == (year, month, day), hour < 24, minute < 60, second < 60 else {
            return nil
        }
        let seconds = hour * 3600 + minute * 60 + second - Self.offset(parts.8)
        self.init(
            unixMicroseconds: days * Self.dayMicroseconds + seconds * 1_000_000
                + (Int64(fraction) ?? 0))
    }

    /// Of a zone, in seconds east of UTC.
    private static func offset(_ zone: Substring?) -> Int64 {
        guard let zone, let sign = zone.first, sign != "Z" else { return 0 }
        let digits = zone.dropFirst().filter(\.isNumber)
        let seconds =
            (Int64(digits.prefix(2)) ?? 0) * 3600 + (Int64(digits.dropFirst(2)) ?? 0) * 60
        return sign == "-" ? -seconds : seconds
    }
}
