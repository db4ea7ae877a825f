import Foundation

/// Runs `body` on a thread of its own and suspends until it has returned.
///
/// The shared pool has a thread a core, and dispatch's queues are not much wider: a few blocking
/// calls there stop every test.
func offPool<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread {
            continuation.resume(with: Result(catching: body))
        }
    }
}

/// Polls `condition` until it returns true.
///
/// - Parameters:
///   - what: Names the condition in the error.
///   - timeout: The longest wait.
///   - interval: The pause between two polls.
/// - Throws: ``TestSupportError`` when the deadline passes, or what `condition` throws.
public func waitUntil(
    _ what: String,
    timeout: Duration = .seconds(30),
    every interval: Duration = .milliseconds(20),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + timeout
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw TestSupportError("Not within \(timeout): \(what)")
        }
        try await Task.sleep(for: interval)
    }
}
