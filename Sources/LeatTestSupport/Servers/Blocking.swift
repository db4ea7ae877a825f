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

/// The pauses between polls: short at first, then a fifth of what has passed. A poll is often a
/// `psql`, and some tests that each start ten a second leave little of two cores to what they wait
/// for.
public struct PollPace: Sendable {
    private let start = ContinuousClock.now
    private let shortest: Duration

    public init(_ shortest: Duration = .milliseconds(50)) {
        self.shortest = shortest
    }

    public func pause() async throws {
        let passed = ContinuousClock.now - start
        try await Task.sleep(for: max(shortest, min(passed / 5, .milliseconds(500))))
    }
}

/// Polls `condition` until it returns true.
///
/// - Parameters:
///   - what: Names the condition in the error.
///   - timeout: The longest wait.
///   - interval: The shortest pause between two polls.
/// - Throws: ``TestSupportError`` when the deadline passes, or what `condition` throws.
public func waitUntil(
    _ what: String,
    timeout: Duration = .patience,
    every interval: Duration = .milliseconds(20),
    isTrue condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + timeout
    let pace = PollPace(interval)
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw TestSupportError("Not within \(timeout): \(what)")
        }
        try await pace.pause()
    }
}
