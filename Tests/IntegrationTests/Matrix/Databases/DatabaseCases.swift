/// What a database or a role brings along: encodings, settings, row security.
enum DatabaseCases {
    static let all = (encodings + settings + security).map { original in
        var test = original
        test.skipped = { versions in
            let tried = places.joined(separator: ", ")
            return original.skipped(versions)
                ?? (places.contains("\(versions)") ? nil : "the same between all: tried \(tried)")
        }
        test.textOnly = { versions in
            original.textOnly(versions)
                ?? ("\(versions)" == places[1] ? nil : "tried \(places[1]) only")
        }
        return test
    }

    /// Each case needs databases and a `leat` of its own; nothing here depends on more versions.
    private static let places = ["15 to 15", "15 to 18", "18 to 16"]

    /// A case whose tables are in databases of these encodings.
    static func between(
        _ source: String, _ target: String, _ name: String = "",
        _ change: @Sendable (inout Case) -> Void
    ) -> Case {
        let what = name.isEmpty ? "" : ": \(name)"
        var test = Case(group: .databases, name: "\(source) to \(target)\(what)", setup: "")
        test.home = Case.Home(
            sourceOptions: "encoding '\(source)'", targetOptions: "encoding '\(target)'")
        change(&test)
        return test
    }

    /// A case in which Leat connects to both sides as a role of its own, made by `source` and
    /// `target`.
    static func role(_ name: String, source: String, target: String) -> Case {
        var test = Case(group: .databases, name: name, setup: "")
        test.home = Case.Home(
            sourceSettings: source, targetSettings: target, sourceUser: "{db}", targetUser: "{db}")
        return test
    }
}
