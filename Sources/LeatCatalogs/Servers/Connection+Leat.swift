package import LeatCore
package import PGClient

extension Connection {
    /// Opens a connection with the settings that shape values, set and read back.
    package static func open(
        _ conninfo: Conninfo, peer: Peer, stream: StreamName, clientEncoding: String = "UTF8"
    ) async throws -> Connection {
        let connection = Connection(label: "leat.\(peer)")
        try await connection.open(
            conninfo, options: .init(peer: peer, applicationName: stream.objectName))
        try await connection.run { try $0.prepare(clientEncoding: clientEncoding) }
        return connection
    }
}

extension Session {
    /// The oldest server that has protocol 2 with streaming, and `pg_replication_slots.two_phase`.
    static let oldestVersion = 140_000

    /// - Parameter clientEncoding: See `TransferEncoding`.
    package func prepare(clientEncoding: String = "UTF8") throws {
        let exitCode: ExitCode = peer == .source ? .source : .target
        guard serverVersion >= Session.oldestVersion else {
            throw Halt(
                exitCode,
                "The \(peer) runs PostgreSQL \(serverVersion / 10_000); 14 is the oldest supported.",
                kind: .server)
        }
        guard clientEncoding != "UTF8" else { return }
        try applySettings(clientEncoding: clientEncoding)
    }

    package func serverEncoding() throws -> String {
        try execute("show server_encoding").text()
    }

    package func setClientEncoding(_ encoding: String) throws {
        try execute("set client_encoding = \(SQLText.literal(encoding))")
    }

    /// Runs `body` so that all that it reads is of one moment: by the snapshot of the transaction that
    /// is open, which has one, or by that of one of its own.
    package func inOneSnapshot<Value>(_ body: () throws -> Value) throws -> Value {
        guard !isInTransaction else { return try body() }
        return try transaction(
            beginning: "begin isolation level repeatable read read only", body)
    }

    /// Runs `body`, each of whose statements gives up after this much waiting for a lock
    /// (`lockNotAvailable`).
    ///
    /// Each is a transaction of its own, so the server releases what it has locked when it ends:
    /// also when this process is stopped, or cut off, before it could say so.
    package func waitingForLocks<Value>(
        atMost limit: Duration, _ body: () throws -> Value
    ) throws -> Value {
        try execute("set lock_timeout = '\(limit.components.seconds)s'")
        defer { _ = try? execute("set lock_timeout = 0") }
        return try body()
    }

    /// Runs `body` in a transaction, committed at its end, rolled back if it throws.
    package func transaction<Value>(
        beginning begin: String = "begin", _ body: () throws -> Value
    ) throws -> Value {
        try execute(begin)
        do {
            let value = try body()
            try execute("commit")
            return value
        } catch {
            // The error that led here is the one to report; a connection that is gone has
            // rolled back already.
            _ = try? execute("rollback")
            throw error
        }
    }
}
