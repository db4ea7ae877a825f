import Foundation
import Synchronization

/// How a process ended.
public enum ProcessExit: Equatable, Sendable, CustomStringConvertible {
    case code(Int32)
    case signal(Int32)

    /// As a shell reports it: the exit code, or 128 plus the signal.
    public var status: Int32 {
        switch self {
        case .code(let code): code
        case .signal(let signal): 128 + signal
        }
    }

    public var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let signal): "killed by signal \(signal)"
        }
    }
}

/// A running program whose output goes into files.
///
/// Files and not pipes: a server that a tool leaves behind would hold a pipe open for ever. The
/// process is killed when the last reference goes, or the test process does.
public final class ChildProcess: Sendable {
    private struct State {
        var exit: ProcessExit?
        var peakResidentBytes = 0
        var lastWaiter = 0
        var waiters: [Int: CheckedContinuation<ProcessExit?, Never>] = [:]
    }

    /// What the process's own threads hold too, so that they do not keep it alive.
    private final class Shared: Sendable {
        let state = Mutex(State())

        func giveUp(_ waiter: Int) {
            state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume(returning: nil)
        }
    }

    /// The process's id; another process may have it once this one has ended.
    public let processID: Int32
    /// The program and its arguments, for messages.
    let name: String
    private let journal = ProcessJournal.current
    private let outputPath: String
    private let errorPath: String
    private let shared = Shared()
    private let ticket: Watchdog.Ticket

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - executable: A path, or a name to be found in `PATH`.
    ///   - arguments: Its arguments.
    ///   - environment: Added to this process's environment without its `PG…` variables.
    ///   - input: A file for standard input; nothing by default.
    ///   - folder: Where it runs.
    ///   - samplesMemory: Whether ``peakResidentBytes`` is kept.
    public init(
        _ executable: String,
        arguments: [String],
        environment: [String: String] = [:],
        input: String? = nil,
        folder: String? = nil,
        samplesMemory: Bool = false
    ) throws {
        name = executable.split(separator: "/").last.map(String.init) ?? executable
        outputPath = TemporaryFolder.outputPath("out")
        errorPath = TemporaryFolder.outputPath("err")
        processID = try spawn(
            executable, arguments: arguments,
            options: SpawnOptions(
                environment: childEnvironment().merging(environment) { $1 },
                inputPath: input, outputPath: outputPath, errorPath: errorPath, folder: folder))
        ticket = Watchdog.shared.whenGone("end", String(processID))
        reapOnOwnThread()
        if samplesMemory { sampleMemoryOnOwnThread() }
    }

    deinit {
        journal?.note(self)
        signal(SIGKILL)
        unlink(outputPath)
        unlink(errorPath)
    }

    /// All of standard output so far.
    public var output: String { text(ofFile: outputPath) }

    /// All of standard error so far.
    public var errorOutput: String { text(ofFile: errorPath) }

    /// How it ended, or nil while it runs.
    public var exit: ProcessExit? { shared.state.withLock { $0.exit } }

    /// The largest resident set seen (`VmHWM`, sampled every 20 ms).
    public var peakResidentBytes: Int { shared.state.withLock { $0.peakResidentBytes } }

    /// Sends a signal; nothing happens if the process has ended.
    public func signal(_ number: Int32) {
        // Under the lock the process is not reaped, so that the id is still its own.
        shared.state.withLock { state in
            if state.exit == nil { _ = kill(processID, number) }
        }
    }

    /// Waits for the end.
    ///
    /// - Throws: ``TestSupportError`` with the last output when the deadline passes; the process
    ///   runs on. `CancellationError` when the task is cancelled.
    public func wait(timeout: Duration = .patience) async throws -> ProcessExit {
        let shared = shared
        let waiter = shared.state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        let exit = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = shared.state.withLock { state in
                    if state.exit == nil { state.waiters[waiter] = continuation }
                    return state.exit
                }
                if let known { return continuation.resume(returning: known) }
                DispatchQueue.global().asyncAfter(deadline: .now() + timeout / .seconds(1)) {
                    shared.giveUp(waiter)
                }
                if Task.isCancelled { shared.giveUp(waiter) }
            }
        } onCancel: {
            shared.giveUp(waiter)
        }
        if let exit { return exit }
        try Task.checkCancellation()
        throw TestSupportError(
            "\(name) still runs after \(timeout)\n\(lastLines(20, of: errorOutput))")
    }

    private func reapOnOwnThread() {
        let (processID, shared, ticket) = (processID, shared, ticket)
        Thread.detachNewThread {
            awaitEnd(of: processID)
            let (exit, waiters) = shared.state.withLock { state in
                let exit = reap(processID)
                state.exit = exit
                defer { state.waiters = [:] }
                return (exit, state.waiters.values)
            }
            Watchdog.shared.drop(ticket)
            for waiter in waiters { waiter.resume(returning: exit) }
        }
    }

    private func sampleMemoryOnOwnThread() {
        let (processID, shared) = (processID, shared)
        Thread.detachNewThread {
            while shared.state.withLock({ $0.exit == nil }) {
                let peak = residentPeakBytes(of: processID)
                shared.state.withLock { $0.peakResidentBytes = max($0.peakResidentBytes, peak) }
                usleep(20_000)
            }
        }
    }
}

/// The process's `VmHWM`, 0 once it has ended.
private func residentPeakBytes(of processID: Int32) -> Int {
    let line = text(ofFile: "/proc/\(processID)/status")
        .split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    let kilobytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
    return (kilobytes.flatMap { Int($0) } ?? 0) * 1024
}
