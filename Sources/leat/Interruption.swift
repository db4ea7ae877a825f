import Foundation
import LeatCore
import LeatEngine
internal import LeatFlow
import UnixSignals

/// SIGINT and SIGTERM as a wish to stop. A second one ends the process where it is.
enum Interruption {
    static func stopping<Value: Sendable>(
        _ body: @Sendable (StopSignal) async throws -> Value
    ) async throws -> Value {
        let stop = StopSignal()
        // Before anything begins: until then a signal ends the process at once.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in signals {
                    guard !stop.isRequested else { exit(ExitCode.interrupted.rawValue) }
                    stop.request()
                }
            }
            defer { group.cancelAll() }
            return try await body(stop)
        }
    }
}
