internal import LeatCore
package import PGClient

/// Connections of commands that belong to no stream.
extension Connection {
    /// Runs `body` with a session of its own, closed at the end.
    ///
    /// - Parameter command: What `application_name` says, such as `leat slot list`.
    /// - Throws: ``Halt``, or `CancellationError`.
    package static func with<Value: Sendable>(
        _ conninfo: Conninfo, peer: Peer, command: String,
        do body: @Sendable (Session) throws -> Value
    ) async throws -> Value {
        try await halting(as: peer) {
            try await open(conninfo, peer: peer, command: command).runOnce(body)
        }
    }

    /// Runs `body` with the session, and closes it however that ends.
    package func runOnce<Value: Sendable>(_ body: @Sendable (Session) throws -> Value) async throws
        -> Value
    {
        defer { close() }
        return try await run(body)
    }

    package static func open(
        _ conninfo: Conninfo, peer: Peer, command: String
    ) async throws -> Connection {
        let connection = Connection(label: "leat.\(peer)")
        try await connection.open(
            conninfo, options: .init(peer: peer, applicationName: command))
        try await connection.run { try $0.prepare() }
        return connection
    }

    /// Turns what a command's session throws into the command's end.
    package static func halting<Value>(as peer: Peer, _ body: () async throws -> Value) async throws
        -> Value
    {
        do {
            return try await body()
        } catch let error as CancellationError {
            throw error
        } catch {
            guard case .halt(let halt) = Failure(error, wasConnected: false) else {
                throw Halt(peer == .source ? .source : .target, "\(error).", kind: .server)
            }
            throw halt
        }
    }
}
