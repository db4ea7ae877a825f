internal import LeatCatalogs
internal import LeatCore
internal import PGClient

/// Keeps why a stream stopped in its row of `leat.progress`, where `leat status` finds it from
/// anywhere.
///
/// The target may be what is away, and a stop must not take long for it: what cannot be written in a
/// moment is not written. Nothing is written of a stream that another process has.
struct HaltNote {
    let target: Conninfo
    let stream: StreamName

    private static let patience: Duration = .seconds(2)

    /// Runs `body`, and keeps the halt that it ends with.
    ///
    /// - Parameter otherwise: Called with what could not be kept on the target.
    func keeping<Value>(
        otherwise: (Halt) -> Void = { _ in }, _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let halt as Halt {
            if !(await write(halt)) { otherwise(halt) }
            throw halt
        }
    }

    private func write(_ halt: Halt) async -> Bool {
        let note = self
        let isWritten = try? await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask { try await note.writePatiently(halt) }
            group.addTask {
                try await Task.sleep(for: HaltNote.patience)
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
        return isWritten ?? false
    }

    private func writePatiently(_ halt: Halt) async throws -> Bool {
        let connection = Connection(label: "leat.target")
        try await connection.open(
            target,
            options: .init(
                peer: .target, applicationName: stream.objectName,
                connectTimeout: HaltNote.patience))
        let stream = stream
        return try await connection.runOnce { session in
            try session.prepare()
            // It may be the reason.
            try TrustedSchema.check(session)
            return try session.transaction { try HaltNote.write(halt, of: stream, on: session) }
        }
    }

    /// Our own session may be there for another moment.
    private static func write(
        _ halt: Halt, of stream: StreamName, on session: Session
    ) throws -> Bool {
        try session.execute("set local synchronous_commit = off")
        for _ in 0..<10 {
            guard try StreamLock(session: session, stream: stream).takeForTransaction() else {
                try session.query("select pg_catalog.pg_sleep(0.05)")
                continue
            }
            return try session.query(
                """
                update leat.progress set halted_at = pg_catalog.clock_timestamp(),
                  halt_code = $2::pg_catalog.int4, halt_message = $3, halt_advice = $4
                where stream = $1
                """,
                with: [stream.text, "\(halt.exitCode.rawValue)", halt.message, halt.advice]
            ).affectedRows == 1
        }
        return false
    }

    /// The stream runs again.
    static func clear(of stream: StreamName, on session: Session) throws {
        try session.query(
            """
            update leat.progress set halted_at = null, halt_code = null, halt_message = null,
              halt_advice = null
            where stream = $1 and halted_at is not null
            """, with: [stream.text])
    }
}
