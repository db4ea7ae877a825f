import LeatTestSupport

/// Many cases in one database under one `leat`: copy, then phase after phase, and after each the
/// judge compares.
struct SharedRun {
    let cases: [Case]
    let place: Place

    /// Settings that would show in values, if Leat's sessions did not set their own.
    private static let settings = [
        "datestyle = 'SQL, DMY'", "intervalstyle = 'sql_standard'", "extra_float_digits = -10",
        "bytea_output = 'escape'", "timezone = 'Asia/Kathmandu'", "xmloption = 'document'",
        "lc_monetary = 'C.utf8'", "search_path = 'nowhere'", "row_security = on",
        "default_transaction_isolation = 'serializable'",
    ]

    /// - Returns: By name; where one is missing the case held the same all the way.
    /// - Throws: When `leat` or SQL of a case fails: then whose fault it is has to be found.
    func run() async throws -> [String: CaseResult] {
        var results: [String: CaseResult] = [:]
        try await Pair.with(place.versions) { pair in
            for setting in SharedRun.settings {
                try await pair.both("alter database \(pair.database) set \(setting)")
            }
            try await CaseRun.setUp(cases, pair)
            results = try await takeBinaryRefusals(pair)
            let rest = cases.filter { results[$0.id] == nil }
            guard !rest.isEmpty else { return }
            let options =
                ["--binary", place.form == .binary ? "on" : "off", "--copy-jobs", "1"]
                + rest.flatMap { ["--tables", "\($0.schema).*"] }
            results.merge(try await CaseRun(cases: rest, pair: pair, options: options).run()) {
                first, _ in first
            }
        }
        return results
    }

    /// Asks Leat for binary form with all cases: it must name a column of each that says so, and
    /// of none else.
    private func takeBinaryRefusals(_ pair: Pair) async throws -> [String: CaseResult] {
        guard place.form == .binary else { return [:] }
        let expected = cases.contains { $0.textOnly(place.versions) != nil }
        guard expected else { return [:] }
        let outcome = try await pair.leat(
            ["sync"] + pair.places + ["--binary", "on"])
        guard outcome.exitCode == 6, outcome.log.contains("Binary form is not safe for: ") else {
            throw TestSupportError("--binary on: exit code \(outcome.exitCode)\n\(outcome.log)")
        }
        return Dictionary(
            uniqueKeysWithValues: cases.compactMap { test in
                let isNamed = outcome.log.contains(" \(test.schema).")
                switch (test.textOnly(place.versions), isNamed) {
                case (nil, false): return nil
                case (let reason?, true):
                    return (test.id, CaseResult(verdict: .refused, reason: "in binary: \(reason)"))
                case (nil, true):
                    return (
                        test.id, CaseResult(verdict: .failed, reason: "Leat refuses binary form")
                    )
                case (_?, false):
                    return (
                        test.id, CaseResult(verdict: .failed, reason: "Leat takes binary form")
                    )
                }
            })
    }
}
