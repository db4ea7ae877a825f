internal import Synchronization

/// The wish to stop: from a signal, heard wherever a run is just then.
///
/// While a stream flows, a stop ends the intake and what was received is applied, stored and
/// confirmed. Anywhere else the run is cancelled, which rolls back what is under way.
public final class StopSignal: Sendable {
    private struct State {
        var isRequested = false
        var drain: (@Sendable () -> Void)?
        /// In the order of their coming.
        var waiters: [(id: Int, continuation: CheckedContinuation<Void, Never>)] = []
        var lastID = 0

        mutating func nextID() -> Int {
            lastID += 1
            return lastID
        }
    }

    private let state = Mutex(State())

    /// Not requested.
    public init() {}

    /// Whether somebody wants a stop.
    public var isRequested: Bool { state.withLock { $0.isRequested } }

    /// Wants a stop; again is no more than once.
    public func request() {
        let waiters = state.withLock { state in
            state.isRequested = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume() }
    }

    /// Waits until a stop is requested, or the task is cancelled.
    public func wait() async {
        let id = state.withLock { $0.nextID() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isRequested || Task.isCancelled { return true }
                    state.waiters.append((id, continuation))
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume()
        }
    }

    /// Runs `body`, in which a stream flows: a stop then ends its intake, and no more.
    ///
    /// - Parameters:
    ///   - drain: Ends the intake; called at once where a stop was requested already.
    ///   - body: In which the stream flows.
    public func draining<Value>(
        _ drain: @escaping @Sendable () -> Void, during body: () async throws -> Value
    ) async throws -> Value {
        defer { _ = set(nil) }
        if set(drain) { drain() }
        return try await body()
    }

    /// - Returns: Whether a stop was requested already.
    private func set(_ drain: (@Sendable () -> Void)?) -> Bool {
        state.withLock { state in
            state.drain = drain
            return state.isRequested
        }
    }

    /// Ends the intake. False if no stream flows.
    public func drain() -> Bool {
        guard let drain = state.withLock({ $0.drain }) else { return false }
        drain()
        return true
    }
}
