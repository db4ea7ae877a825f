import Foundation
import LeatTestSupport
import Testing

/// Where a case is tried: between which versions, and in which form values travel.
struct Place: Hashable, Sendable, CustomTestStringConvertible {
    enum Form: String, Sendable, CaseIterable {
        case text, binary
    }

    var source: PostgresVersion
    var target: PostgresVersion
    var form: Form

    var versions: Pair.Versions { Pair.Versions(source, target) }
    var testDescription: String { "\(source) to \(target), \(form.rawValue)" }

    /// With `LEAT_PLACES`, such as `15-18-text`, only those that begin with it.
    static let all = every.filter { place in
        let wanted = ProcessInfo.processInfo.environment["LEAT_PLACES"] ?? ""
        return "\(place.source)-\(place.target)-\(place.form.rawValue)".hasPrefix(wanted)
    }

    private static let every = PostgresVersion.allCases.flatMap { source in
        PostgresVersion.allCases.flatMap { target in
            Form.allCases.map { Place(source: source, target: target, form: $0) }
        }
    }
}
