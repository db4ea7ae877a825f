import Foundation
import LeatTestSupport
import Testing

/// What a message says to run.
extension Pair {
    /// Runs the command that stands on a line of a log by itself, as it stands, with more options
    /// behind it.
    func runPrinted(_ command: String, in log: String, _ options: String...) async throws -> Outcome
    {
        let line = try #require(
            log.split(separator: "\n").map { $0.drop { $0 == " " } }.last { $0.hasPrefix(command) },
            "\(log)")
        return try await leat(
            Pair.words(String(line)).dropFirst() + ["--state-dir", stateDirectory] + options)
    }

    /// Runs a line of a message in a shell, with the programs of the source's server.
    func shell(_ line: String, by shell: String = "/bin/sh") async throws {
        let folder = (source.installation.program("pg_dump") as NSString).deletingLastPathComponent
        let process = Process()
        process.executableURL = URL(fileURLWithPath: shell)
        process.arguments = ["-c", "PATH=\(folder):$PATH; \(line)"]
        process.standardOutput = FileHandle.nullDevice
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in done.resume() }
            do { try process.run() } catch { done.resume(throwing: error) }
        }
        #expect(process.terminationStatus == 0, "\(line)")
    }

    /// Statements that a log prints, each on a line of its own.
    func printedStatements(in log: String) -> [String] {
        log.split(separator: "\n").map { String($0.drop { $0 == " " }) }.filter { line in
            line.hasSuffix(";")
                && ["alter ", "grant ", "create ", "drop "].contains { line.hasPrefix($0) }
        }
    }

    /// As a shell splits a line with nothing but words and single quotes.
    private static func words(_ line: String) -> [String] {
        var (words, isQuoted, isEscaped) = ([""], false, false)
        for character in line {
            let last = words.count - 1
            switch character {
            case _ where isEscaped:
                words[last].append(character)
                isEscaped = false
            case "'": isQuoted.toggle()
            case "\\" where !isQuoted: isEscaped = true
            case " " where !isQuoted: words.append("")
            default: words[last].append(character)
            }
        }
        return words
    }
}
