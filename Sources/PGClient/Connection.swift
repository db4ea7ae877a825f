/// A session on a thread of its own, for callers that are not.
public actor Connection: SessionActor {
    private nonisolated let executor: ConnectionExecutor
    /// Ends the wait of whatever runs on the session.
    public nonisolated let interrupt = Interrupt()
    private var session: Session?

    /// The connection's own thread: libpq never blocks the shared pool.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    /// Not open yet; the label names its thread.
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

    /// One statement without parameters; its rows are kept whole.
    @discardableResult
    public func query(_ sql: String, with parameters: [String?] = []) async throws -> QueryResult {
        try await run { try $0.query(sql, with: parameters) }
    }

    /// One statement with parameters as text; its rows are kept whole.
    @discardableResult
    public func execute(_ sql: String) async throws -> QueryResult {
        try await run { try $0.execute(sql) }
    }

    /// Does nothing to one that is closed.
    public func close() {
        session?.close()
        session = nil
    }
}
