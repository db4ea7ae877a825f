import LeatTestSupport

/// Cases whose tables are there, from the copy to the last phase.
struct CaseRun {
    let cases: [Case]
    let pair: Pair
    let options: [String]

    /// OIDs that follow are others than on the source.
    private static let otherOIDs =
        "create schema filler; " + (1...9).map { "create table filler.t\($0) (); " }.joined()

    static func setUp(_ cases: [Case], _ pair: Pair) async throws {
        let (source, target, name) = (pair.source, pair.target, pair.database)
        try await target.sql(otherOIDs, database: name)
        try await CaseScript(cases, creating: true) { $0.setup + ";\n" + $0.rows }
            .run(on: source, database: name)
        try await CaseScript(cases, creating: true) { $0.targetSetup ?? $0.setup }
            .run(on: target, database: name)
    }

    /// - Returns: The cases that failed; all others held the same all the way.
    func run() async throws -> [String: CaseResult] {
        let leat = try LeatProcess(
            ["sync"] + pair.places + ["--status-interval", "200ms"] + options)
        try await leat.waitForOutput(containing: "streaming position=")
        var results: [String: CaseResult] = [:]
        let judge = try await Judge(cases, pair.source, database: pair.database)
        try await compare(judge, "after the copy", &results)
        for phase in Case.Phase.allCases {
            let script = CaseScript(cases) { $0.statements(of: phase) }
            try await script.run(on: pair.source, database: pair.database)
            try await waitUntilApplied(leat)
            try await compare(judge, "after \(phase.rawValue)", &results)
        }
        let code = try await leat.terminate()
        guard code == 0 else { throw TestSupportError("leat ended with \(code)\n\(leat.log)") }
        return results
    }

    /// The stored position covers all that is committed now; an end of `leat` ends the wait.
    private func waitUntilApplied(_ leat: LeatProcess) async throws {
        let end = try await pair.sourceValue("select pg_current_wal_insert_lsn()") ?? ""
        let deadline = ContinuousClock.now + .patience
        let pace = PollPace()
        while try await pair.targetValue(
            "select end_lsn >= '\(end)' from leat.progress where stream = '\(pair.stream)'") != "t"
        {
            guard leat.exit == nil, ContinuousClock.now < deadline else {
                let state = leat.exit.map { "\($0)" } ?? "it is not there in time"
                throw TestSupportError("leat: \(state)\n\(leat.log.suffix(2000))")
            }
            try await pace.pause()
        }
    }

    private func compare(
        _ judge: Judge, _ moment: String, _ results: inout [String: CaseResult]
    ) async throws {
        let source = try await judge.holdings(pair.source, database: pair.database)
        let target = try await judge.holdings(pair.target, database: pair.database)
        for test in cases where results[test.id] == nil {
            guard let left = source[test.id], let right = target[test.id], left != right
            else { continue }
            results[test.id] = CaseResult(
                verdict: .failed, reason: "\(moment): \(CaseRun.difference(left.text, right.text))")
        }
    }

    /// The first lines that are on one side only.
    private static func difference(_ left: Substring, _ right: Substring) -> String {
        let (left, right) = (left.split(separator: "\n"), right.split(separator: "\n"))
        let pair = zip(left, right).first { !$0.utf8.elementsEqual($1.utf8) }
        let (onSource, onTarget) =
            pair ?? (
                left.dropFirst(right.count).first ?? "", right.dropFirst(left.count).first ?? ""
            )
        return "\(onSource.prefix(150)) is on the source, \(onTarget.prefix(150)) on the target"
    }
}
