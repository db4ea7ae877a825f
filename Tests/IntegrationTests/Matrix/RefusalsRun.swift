import LeatTestSupport

/// Many cases that Leat refuses at the start, in one database: asked for all of them it names some,
/// then for the others it names more, until it has named each with its words.
struct RefusalsRun {
    let cases: [Case]
    let place: Place

    /// - Returns: By case.
    /// - Throws: When SQL of a case fails, or Leat refuses them otherwise.
    func run() async throws -> [String: CaseResult] {
        var results: [String: CaseResult] = [:]
        try await Pair.with(place.versions) { pair in
            try await CaseRun.setUp(cases, pair)
            let judge = try await Judge(cases, pair.source, database: pair.database)
            let before = try await judge.holdings(pair.target, database: pair.database)
            while results.count < cases.count {
                let rest = cases.filter { results[$0.id] == nil }
                results.merge(try await refuse(rest, pair)) { first, _ in first }
            }
            guard try await judge.holdings(pair.target, database: pair.database) == before else {
                throw TestSupportError("the target's rows have changed")
            }
            try await RefusedRun.checkNothingCreated(pair)
        }
        return results
    }

    /// One start. It has to name at least one of the cases.
    private func refuse(_ cases: [Case], _ pair: Pair) async throws -> [String: CaseResult] {
        let options = cases.flatMap { ["--tables", "\($0.schema).*"] }
        let outcome = try await pair.leat(["sync"] + pair.places + ["--endpos", "now"] + options)
        let lines = outcome.log.split(separator: "\n")
        var results: [String: CaseResult] = [:]
        for test in cases {
            let own = lines.filter {
                $0.contains("\(test.schema).") || $0.contains("\"\(test.schema)\"")
            }
            guard let refusal = test.refusal(place.versions), !own.isEmpty else { continue }
            results[test.id] = result(refusal, outcome, own.joined(separator: "\n"))
        }
        guard !results.isEmpty else {
            throw TestSupportError("exit code \(outcome.exitCode), no case named\n\(outcome.log)")
        }
        return results
    }

    /// - Parameter lines: Those of the log that name the case.
    private func result(
        _ refusal: Case.Refusal, _ outcome: Pair.Outcome, _ lines: String
    ) -> CaseResult {
        guard outcome.exitCode == refusal.exitCode else {
            return CaseResult(
                verdict: .failed,
                reason: "exit code \(outcome.exitCode) instead of \(refusal.exitCode): \(lines)")
        }
        if let missing = refusal.words.first(where: { !lines.contains($0) }) {
            return CaseResult(verdict: .failed, reason: "\"\(missing)\" is not in: \(lines)")
        }
        return CaseResult(verdict: .refused, reason: refusal.summary)
    }
}
