internal import LeatCore
internal import Logging
package import PGClient

/// Says for whom the creation of a slot waits: it needs every transaction that was running at
/// its start to end, and a forgotten one can hold it up for days.
package struct SlotWait {
    package let source: Conninfo
    /// Of the session that looks: `application_name`.
    package let command: String
    /// The backend that makes the slot, as a condition on `pg_stat_activity w`.
    package let backend: String
    package var showsValues = false
    package var interval: Duration = .seconds(10)

    package init(
        source: Conninfo, command: String, backend: String, showsValues: Bool = false,
        interval: Duration = .seconds(10)
    ) {
        self.source = source
        self.command = command
        self.backend = backend
        self.showsValues = showsValues
        self.interval = interval
    }

    private static let patience: Duration = .seconds(2)

    /// - Parameter report: Called after a while, and then again and again, with the transactions
    ///   that are waited for now.
    package func reporting<Value: Sendable>(
        _ report: @escaping @Sendable ([BlockingTransaction]) -> Void,
        during body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await look(report)
                return nil
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CancellationError()
        }
    }

    /// A connection that cannot be had, or breaks, is no reason to give up the slot.
    private func look(_ report: @Sendable ([BlockingTransaction]) -> Void) async throws {
        try await Task.sleep(for: SlotWait.patience)
        while true {
            do { try await lookAgain(report) } catch is ConnectionError {}
            try await Task.sleep(for: interval)
        }
    }

    /// With a connection of its own: it is cancelled in the middle when the slot is there.
    private func lookAgain(_ report: @Sendable ([BlockingTransaction]) -> Void) async throws {
        let connection = try await Connection.open(source, peer: .source, command: command)
        do {
            while true {
                report(
                    try await connection.run { session in
                        try BlockingTransaction.read(
                            session, holdingUp: backend, showsValues: showsValues)
                    })
                try await Task.sleep(for: interval)
            }
        } catch {
            await connection.close()
            throw error
        }
    }
}
