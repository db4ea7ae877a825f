import Foundation
import LeatTestSupport

/// Runs every case at every place once, and answers how each went.
///
/// All cases without a home of their own share one run at a place, and those that are refused at
/// the start another one. If that ends early, they run again in parts, until the guilty ones stand
/// alone.
actor Matrix {
    static let shared = Matrix()

    /// All cases, of all groups; with `LEAT_CASES` only those whose `group/name` matches it.
    static let cases = all.filter { test in
        let wanted = ProcessInfo.processInfo.environment["LEAT_CASES"] ?? ""
        return wanted.isEmpty
            || "\(test.group.rawValue)/\(test.name)"
                .range(of: wanted, options: .regularExpression) != nil
    }

    private static let all =
        TypeCases.all + IdentityCases.all + ShapeCases.all + DatabaseCases.all

    private typealias Run = Task<[String: CaseResult], Never>
    private var runs: [Place: Run] = [:]
    private var refusals: [Place: Run] = [:]

    /// How a case went at a place.
    func result(of test: Case, at place: Place) async -> CaseResult {
        let result: CaseResult
        if let reason = test.skipped(place.versions) {
            result = CaseResult(verdict: .notRun, reason: reason)
        } else if Matrix.shares(test, at: place) {
            let task = runs[place] ?? Task { await Matrix.runShared(at: place) }
            runs[place] = task
            result = await task.value[test.id] ?? CaseResult(verdict: .same)
        } else if place.form == .binary, let reason = test.textOnly(place.versions) {
            result = CaseResult(verdict: .notRun, reason: "in binary: \(reason)")
        } else if Matrix.sharesRefusal(test, at: place) {
            let task = refusals[place] ?? Task { await Matrix.runRefusals(at: place) }
            refusals[place] = task
            result = await task.value[test.id] ?? CaseResult(verdict: .failed, reason: "not run")
        } else {
            result = await Matrix.runAlone(test, at: place)
        }
        Results.shared.append(test, result, at: place)
        return result
    }

    private static func shares(_ test: Case, at place: Place) -> Bool {
        test.home == nil && test.options.isEmpty && test.refusal(place.versions) == nil
            && test.skipped(place.versions) == nil
    }

    private static func sharesRefusal(_ test: Case, at place: Place) -> Bool {
        guard let refusal = test.refusal(place.versions), test.skipped(place.versions) == nil,
            place.form == .text || test.textOnly(place.versions) == nil
        else { return false }
        return refusal.moment == .start && refusal.mend == nil && test.home == nil
            && test.options.isEmpty && !test.isAlone
    }

    private static func runRefusals(at place: Place) async -> [String: CaseResult] {
        let cases = cases.filter { sharesRefusal($0, at: place) }
        do { return try await RefusalsRun(cases: cases, place: place).run() } catch {
            print("\(place.testDescription): refusals fail together: \(error)")
        }
        var results: [String: CaseResult] = [:]
        for test in cases { results[test.id] = await runAlone(test, at: place) }
        return results
    }

    private static func runAlone(_ test: Case, at place: Place) async -> CaseResult {
        do { return try await OwnRun(test: test, place: place).run() } catch {
            return .failed(error)
        }
    }

    private static func runShared(at place: Place) async -> [String: CaseResult] {
        await run(cases.filter { shares($0, at: place) }, at: place)
    }

    private static func run(_ cases: [Case], at place: Place) async -> [String: CaseResult] {
        guard !cases.isEmpty else { return [:] }
        do {
            return try await SharedRun(cases: cases, place: place).run()
        } catch {
            guard cases.count > 1 else {
                return Dictionary(uniqueKeysWithValues: cases.map { ($0.id, .failed(error)) })
            }
            print("\(place.testDescription): \(cases.count) cases fail together: \(error)")
            let (first, rest) = split(cases, error)
            return await run(first, at: place).merging(await run(rest, at: place)) { $1 }
        }
    }

    /// Those that the error names and the others; without a name, halves.
    private static func split(_ cases: [Case], _ error: any Error) -> ([Case], [Case]) {
        let lines = "\(error)".split(separator: "\n")
        let text = lines.filter { $0.contains(" error ") || $0.contains("The SQL of case") }
            .joined()
        let named = cases.filter {
            text.contains(" \($0.schema).") || text.contains("case \"\($0.name)\"")
        }
        guard named.isEmpty || named.count == cases.count else {
            return (named, cases.filter { test in !named.contains { $0.id == test.id } })
        }
        return (Array(cases[..<(cases.count / 2)]), Array(cases[(cases.count / 2)...]))
    }
}
