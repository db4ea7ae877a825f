import Foundation

/// The built `leat`, running.
///
/// It is killed when the last reference goes, or the test process does.
public final class LeatProcess: Sendable {
    private let child: ChildProcess

    /// Starts `leat`.
    ///
    /// - Parameters:
    ///   - arguments: Its arguments.
    ///   - environment: Added to this process's environment without its `PG…` variables.
    /// - Throws: ``TestSupportError`` if it is not built.
    public init(_ arguments: [String], environment: [String: String] = [:]) throws {
        child = try ChildProcess(
            try Self.executable(), arguments: arguments, environment: environment,
            samplesMemory: true)
    }

    /// Runs `leat` to its end.
    public static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        timeout: Duration = .patience
    ) async throws -> (exitCode: Int32, output: String, log: String) {
        let process = try LeatProcess(arguments, environment: environment)
        let exitCode = try await process.waitForExit(timeout: timeout)
        return (exitCode, process.output, process.log)
    }

    /// For what it writes: below folders of nobody else, which a server's is not. It goes with the
    /// test process.
    public static var folder: String { TemporaryFolder.forOutput }

    public var processID: Int32 { child.processID }

    /// Standard output so far.
    public var output: String { child.output }

    /// Standard error so far: the log.
    public var log: String { child.errorOutput }

    /// How it ended, or nil while it runs.
    public var exit: ProcessExit? { child.exit }

    /// The largest resident set seen, sampled every 20 ms.
    public var peakResidentBytes: Int { child.peakResidentBytes }

    /// Sends a signal; nothing happens if the process has ended.
    public func signal(_ number: Int32) { child.signal(number) }

    /// Kills it with SIGKILL, and returns when it is gone.
    public func kill() async throws {
        child.signal(SIGKILL)
        _ = try await child.wait(timeout: .patience)
    }

    /// Asks it to stop with SIGTERM, and returns its exit code.
    public func terminate(timeout: Duration = .patience) async throws -> Int32 {
        child.signal(SIGTERM)
        return try await waitForExit(timeout: timeout)
    }

    /// Waits for the end.
    ///
    /// - Returns: The exit code; 128 plus the signal that killed it.
    /// - Throws: ``TestSupportError`` with the log's end when the deadline passes; it runs on.
    public func waitForExit(timeout: Duration = .patience) async throws -> Int32 {
        try await child.wait(timeout: timeout).status
    }

    /// Waits until standard output or the log contains `text`.
    ///
    /// - Throws: ``TestSupportError`` with the log's end when the deadline passes, or it ends first.
    public func waitForOutput(
        containing text: String, timeout: Duration = .patience
    ) async throws {
        let deadline = ContinuousClock.now + timeout
        while true {
            // Asked before reading: what it wrote last is then not missed.
            let exit = child.exit
            if child.errorOutput.contains(text) || child.output.contains(text) { return }
            guard exit == nil, ContinuousClock.now < deadline else {
                let end = exit.map { "it ended (\($0))" } ?? "nothing for \(timeout)"
                throw TestSupportError(
                    "leat did not write \"\(text)\": \(end)\n\(lastLines(20, of: log))")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// `LEAT_BINARY`, else the one built beside the tests.
    public static func executable() throws -> String {
        if let path = ProcessInfo.processInfo.environment["LEAT_BINARY"], !path.isEmpty {
            return path
        }
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let beside = tests.map { "\($0.split(separator: "/").dropLast().joined(separator: "/"))" }
        let candidates = [beside.map { "/\($0)/leat" }, ".build/debug/leat"].compactMap { $0 }
        guard let path = candidates.first(where: FileManager.default.isExecutableFile) else {
            throw TestSupportError("leat is not built: swift build, or set LEAT_BINARY")
        }
        return path
    }
}
