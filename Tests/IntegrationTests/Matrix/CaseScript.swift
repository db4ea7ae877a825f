import Foundation
import LeatTestSupport

/// The SQL of several cases as one `psql` script, which knows whose line an error is in.
struct CaseScript {
    private var lines: [Substring] = []
    private var starts: [(line: Int, name: String)] = []

    /// - Parameter sql: What to run of a case, in its schema.
    init(_ cases: [Case], creating: Bool = false, _ sql: (Case) -> String) {
        for test in cases {
            let text = sql(test)
            guard creating || !text.isEmpty else { continue }
            starts.append((lines.count + 1, test.name))
            if creating { lines.append("create schema \"\(test.schema)\";") }
            lines.append("set search_path = \"\(test.schema)\", public;")
            lines += text.split(separator: "\n", omittingEmptySubsequences: false)
            lines.append(";")
        }
    }

    /// - Throws: ``TestSupportError`` that names the case.
    func run(on cluster: TemporaryCluster, database: String) async throws {
        guard !lines.isEmpty else { return }
        do {
            try await cluster.run(script: lines.joined(separator: "\n"), database: database)
        } catch {
            throw TestSupportError("The SQL of case \"\(culprit("\(error)"))\" fails: \(error)")
        }
    }

    /// `psql` says `path:line: ERROR: …`.
    private func culprit(_ message: String) -> String {
        let line = message.firstMatch(of: /:(\d+): ERROR/).flatMap { Int($0.output.1) } ?? 0
        return starts.last { $0.line <= line }?.name ?? "?"
    }
}
