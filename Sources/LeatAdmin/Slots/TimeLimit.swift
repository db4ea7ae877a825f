internal import Synchronization

/// Waits until a stop is asked for, or the task is cancelled.
public typealias StopWish = @Sendable () async -> Void

/// Runs something that can be asked to end, by a stop or when its time is over, and waits for how
/// it then ends.
final class TimeLimit: Sendable {
    enum End: Sendable { case stop, time }

    private let state = Mutex<End?>(nil)

    /// What came first, if anything came.
    var end: End? { state.withLock { $0 } }

    /// - Parameters:
    ///   - atEnd: Asks it to end; again every second, for as long as it does not.
    func run<Value: Sendable>(
        within limit: Duration?, until stopped: @escaping StopWish,
        atEnd: @escaping @Sendable () -> Void,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await stopped()
                try await self.ask(.stop, atEnd: atEnd)
                return nil
            }
            if let limit {
                group.addTask {
                    try await Task.sleep(for: limit)
                    try await self.ask(.time, atEnd: atEnd)
                    return nil
                }
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CancellationError()
        }
    }

    private func ask(_ end: End, atEnd: @Sendable () -> Void) async throws {
        try Task.checkCancellation()
        state.withLock { $0 = $0 ?? end }
        while true {
            atEnd()
            try await Task.sleep(for: .seconds(1))
        }
    }
}
