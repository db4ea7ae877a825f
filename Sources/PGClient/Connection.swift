/// A session on a thread of its own, for callers that are not.
public actor Connection: SessionActor {
    private nonisolated let executor: ConnectionExecutor
    public nonisolated let interrupt = Interrupt()
    private var session: Session?

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    public init(label: String) {
        executor = ConnectionExecutor(label: label)
    }

    /// Opens the session.
    ///
    /// - Throws: ``ConnectionError``, or `CancellationError` when the task was cancelled.
    public func open(_ conninfo: Conninfo, options: Session.Options) async throws {
        session = try await cancellable {
            try Session(conninfo, options: options, interrupt: interrupt)
        }
    }

    /// Runs `body` with the session on the connection's own thread.
    ///
    /// A cancelled task ends the wait in about a millisecond; the connection is then unusable.
    public func run<Value: Sendable>(
        _ body: @Sendable (Session) throws -> Value
    ) async throws -> Value {
        guard let session else { preconditionFailure("the connection is not open") }
        return try await cancellable { try body(session) }
    }

    @discardableResult
    public func query(_ sql: String, _ parameters: [String?] = []) async throws -> QueryResult {
        try await run { try $0.query(sql, parameters) }
    }

    @discardableResult
    public func execute(_ sql: String) async throws -> QueryResult {
        try await run { try $0.execute(sql) }
    }

    public func close() {
        session?.close()
        session = nil
    }
}
