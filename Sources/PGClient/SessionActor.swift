/// An actor that owns a ``Session`` and runs on a ``ConnectionExecutor``.
public protocol SessionActor: Actor {
    /// That of the session.
    nonisolated var interrupt: Interrupt { get }
}

extension SessionActor {
    /// Runs `body`, which may wait in libpq, on the actor's own thread.
    ///
    /// A cancelled task ends the wait in about a millisecond, with `CancellationError`; the
    /// session is then only good for closing.
    public func cancellable<Value>(_ body: () throws -> Value) async throws -> Value {
        try await withTaskCancellationHandler {
            // By way of a method: a closure that does not use `self` would run on the shared
            // pool.
            try perform(body)
        } onCancel: {
            interrupt.cancel()
        }
    }

    private func perform<Value>(_ body: () throws -> Value) throws -> Value {
        preconditionIsolated()
        do {
            return try body()
        } catch let error as ConnectionError where error.code == .interrupted {
            throw CancellationError()
        }
    }
}
