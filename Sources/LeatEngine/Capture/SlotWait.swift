internal import LeatCore
internal import Logging
internal import PGClient

/// Says for whom the creation of a slot waits: it needs every transaction that was running at
/// its start to end, and a forgotten one can hold it up for days.
struct SlotWait {
    let configuration: SyncConfiguration
    let logger: Logger

    private static let patience: Duration = .seconds(2)
    private static let interval: Duration = .seconds(10)

    func reporting<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await report()
                return nil
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CancellationError()
        }
    }

    /// With a connection of its own: it is cancelled in the middle when the slot is there.
    private func report() async throws {
        try await Task.sleep(for: SlotWait.patience)
        let connection = try await Connection.open(
            configuration.source, peer: .source, stream: configuration.stream,
            clientEncoding: "UTF8")
        do {
            while true {
                for holder in try await holders(connection) {
                    logger.warning("the new slot waits for a running transaction: \(holder)")
                }
                try await Task.sleep(for: SlotWait.interval)
            }
        } catch {
            await connection.close()
            throw error
        }
    }

    private func holders(_ connection: Connection) async throws -> [String] {
        try await connection.query(
            """
            select pg_catalog.format('pid %s (%s, %s), %s, running for %s', a.pid,
              coalesce(nullif(a.application_name, ''), '?'), coalesce(a.usename, '?'),
              coalesce(a.state, '?'), pg_catalog.date_trunc('second',
                pg_catalog.clock_timestamp() - a.xact_start))
            from pg_catalog.pg_stat_activity w
            cross join lateral pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) b
            join pg_catalog.pg_stat_activity a on a.pid = b
            where w.backend_type = 'walsender' and w.application_name = $1
            """, [configuration.stream.objectName]
        ).firstColumn
    }
}
