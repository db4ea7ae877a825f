import LeatTestSupport

extension TemporaryCluster {
    /// Runs `body` while a session holds a lock on a table.
    ///
    /// May be within another one, of another table.
    ///
    /// - Parameter mode: `share` lets others read.
    func whileLocked<Value>(
        _ table: String, mode: String = "access exclusive", in database: String,
        _ body: () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = try? await self.sql(
                    "begin; lock table \(table) in \(mode) mode; select pg_sleep(600)",
                    database: database)
            }
            let holder = """
                from pg_stat_activity where datname = '\(database)' and wait_event = 'PgSleep'
                  and query like 'begin; lock table \(table) in %'
                """
            try await waitUntil(sql: "select count(*) \(holder)", equals: "1")
            defer { group.cancelAll() }
            // Nobody else ends it: a sleeping backend does not see that its client is gone.
            let end = "select pg_terminate_backend(pid) \(holder)"
            do {
                let value = try await body()
                try await sql(end)
                return value
            } catch {
                try await sql(end)
                throw error
            }
        }
    }
}
