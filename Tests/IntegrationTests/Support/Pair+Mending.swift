import LeatTestSupport
import Testing

extension Pair.Outcome {
    /// The statements that the log names for the target.
    var statements: [String] { Pair.statements(in: log) }
}

extension Pair {
    /// The lines of a log that are SQL.
    static func statements(in log: String) -> [String] {
        var found: [String] = []
        for line in log.split(separator: "\n").map(String.init)
        where line.hasSuffix(";") && ["alter ", "create ", "drop "].contains(where: line.hasPrefix)
        {
            if !found.contains(line) { found.append(line) }
        }
        return found
    }

    /// Runs on the target what a log says to run there.
    func mend(_ log: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let statements = Pair.statements(in: log)
        #expect(!statements.isEmpty, "\(log)", sourceLocation: sourceLocation)
        guard !statements.isEmpty else { return }
        try await onTarget(statements.joined(separator: " "))
    }

    /// Expects that the stream stops with exit code 7 and these words, before it has changed
    /// the target beyond `kept`; runs what it says on the target, and expects that both sides
    /// are then the same, and that nothing was copied anew.
    func expectStopAndMend(
        _ words: String..., options: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let arguments =
            ["sync"] + places + ["--status-interval", "200ms", "--endpos", "now"] + options
        let stopped = try await leat(arguments)
        #expect(stopped.exitCode == 7, "\(stopped.log)", sourceLocation: sourceLocation)
        for word in words {
            #expect(stopped.log.contains(word), "\(stopped.log)", sourceLocation: sourceLocation)
        }
        // It says the same again for as long as nothing was done.
        let again = try await leat(arguments)
        #expect(again.exitCode == 7, "\(again.log)", sourceLocation: sourceLocation)
        try await mend(again.log, sourceLocation: sourceLocation)
        let mended = try await leat(arguments)
        #expect(mended.exitCode == 0, "\(mended.log)", sourceLocation: sourceLocation)
        #expect(!mended.log.contains("copying"), "\(mended.log)", sourceLocation: sourceLocation)
    }
}
