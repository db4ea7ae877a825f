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

    static let all = PostgresVersion.allCases.flatMap { source in
        PostgresVersion.allCases.flatMap { target in
            Form.allCases.map { Place(source: source, target: target, form: $0) }
        }
    }
}
