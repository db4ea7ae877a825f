import Foundation
import Synchronization

/// How a case went at a place.
struct CaseResult: Sendable, CustomStringConvertible {
    enum Verdict: String, Sendable {
        /// Both sides held the same after every phase.
        case same
        /// Leat refused, as it says that it does.
        case refused
        case notRun = "not run"
        case failed = "FAILED"
    }

    var verdict: Verdict
    /// Why: of a refusal, of a case that was not run, of a failure.
    var reason = ""

    var isGood: Bool { verdict != .failed }
    var description: String { "\(verdict.rawValue): \(reason)" }

    static func failed(_ error: any Error) -> CaseResult {
        CaseResult(verdict: .failed, reason: "\(error)")
    }
}

/// The table of every case, place and result. It is written when the test process ends: `cases.md`
/// in the folder `LEAT_RESULTS`, else in `.build/results`, and short in `cases.txt`, which
/// `scripts/test` prints.
final class Results: Sendable {
    static let shared = Results()

    struct Line: Hashable {
        var group: String
        var name: String
        var place: Place
    }

    private let lines = Mutex<[Line: CaseResult]>([:])

    private init() {
        atexit { Results.shared.write() }
    }

    func append(_ test: Case, _ result: CaseResult, at place: Place) {
        let line = Line(group: test.group.rawValue, name: test.name, place: place)
        lines.withLock { $0[line] = result }
    }

    /// Nothing where a filter has left out the matrix.
    private func write() {
        let lines = lines.withLock { $0 }
        guard !lines.isEmpty else { return }
        let folder =
            ProcessInfo.processInfo.environment["LEAT_RESULTS"].flatMap { $0.isEmpty ? nil : $0 }
            ?? ".build/results"
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            for (name, text) in [("cases.md", text(lines)), ("cases.txt", ResultSheet(lines).text)]
            {
                try Data(text.utf8).write(
                    to: URL(fileURLWithPath: "\(folder)/\(name)"), options: .atomic)
            }
        } catch {
            print("The results cannot be written to \(folder): \(error)")
        }
    }

    private func text(_ lines: [Line: CaseResult]) -> String {
        var counts: [CaseResult.Verdict: Int] = [:]
        for result in lines.values { counts[result.verdict, default: 0] += 1 }
        let summary = counts.map { "\($0.value) \($0.key.rawValue)" }.sorted()
        let rows = lines.map { line, result in
            let place = line.place
            return [
                line.group, line.name, "\(place.source)→\(place.target)", place.form.rawValue,
                result.verdict.rawValue, result.reason,
            ].map(Results.cell).joined(separator: " | ")
        }
        return """
            # Cases

            \(lines.count) results: \(summary.joined(separator: ", ")).

            | group | case | source→target | form | result | reason |
            |---|---|---|---|---|---|
            \(rows.sorted().map { "| \($0) |" }.joined(separator: "\n"))

            """
    }

    private static func cell(_ text: String) -> String {
        String(text.prefix(400)).replacing("\n", with: " ").replacing("|", with: #"\|"#)
    }
}
