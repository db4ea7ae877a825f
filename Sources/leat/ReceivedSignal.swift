import LeatCore
import Synchronization
import UnixSignals

/// Which signal asked for the stop: SIGTERM is an orderly end, SIGINT an interruption.
final class ReceivedSignal: Sendable {
    private let interrupt = Atomic<Bool>(false)

    /// - Returns: The exit code that goes with the signal.
    func note(_ signal: UnixSignal) -> Int32 {
        guard signal == .sigint else { return ExitCode.done.rawValue }
        interrupt.store(true, ordering: .releasing)
        return ExitCode.interrupted.rawValue
    }

    var isInterrupt: Bool { interrupt.load(ordering: .acquiring) }
}
