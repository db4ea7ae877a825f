internal import LeatCore
internal import Logging
internal import PGClient
internal import Synchronization

/// Whom the copy's locks keep waiting: an ALTER waits for the ACCESS SHARE of a table that is being
/// read, and everybody who wants the table waits behind the ALTER.
final class CopyLocks: Sendable {
    /// Backends that read a table, and those of them that were told to stop.
    private struct State {
        var reading: [Int32: TableName] = [:]
        var yielding: Set<Int32> = []
    }

    private struct Waiter {
        var pid: Int32
        var who: String
        var seconds: Double
        var reader: Int32
    }

    /// A backend whose client does not read, because the target does not, does not see that it is to
    /// stop; so many seconds later its session is ended, and the copy begun again as after a crash.
    private static let patience = 3.0

    private let state = Mutex(State())
    /// How long somebody waits until the copy of the table is given up; nil: until it ends.
    private let yieldsAfter: Duration?
    private let logger: Logger

    init(yieldsAfter: Duration?, logger: Logger) {
        self.yieldsAfter = yieldsAfter
        self.logger = logger
    }

    func begin(_ table: TableName, by backend: Int32) {
        state.withLock { $0.reading[backend] = table }
    }

    /// - Returns: Whether it was told to stop.
    func end(by backend: Int32) -> Bool {
        state.withLock { state in
            state.reading[backend] = nil
            return state.yielding.remove(backend) != nil
        }
    }

    /// Looks each second, until the task is cancelled.
    ///
    /// - Parameter source: A session that nothing else needs; a transaction may be open in it.
    func watch(_ source: Connection) async throws {
        var told: Set<String> = []
        while true {
            try await Task.sleep(for: .seconds(1))
            let reading = state.withLock { $0.reading }
            guard !reading.isEmpty else { continue }
            for waiter in try await waiters(behind: reading.keys.sorted(), source) {
                guard let table = reading[waiter.reader] else { continue }
                if told.insert("\(waiter.pid) \(table)").inserted {
                    logger.warning(
                        """
                        a statement waits for the copy of a table, and others wait behind it; \
                        --yield-locks gives such a copy up for a while
                        """, metadata: ["table": "\(table)", "waits": "\(waiter.who)"])
                }
                guard let yieldsAfter else { continue }
                let overdue = waiter.seconds - yieldsAfter / .seconds(1)
                if overdue >= CopyLocks.patience {
                    try await source.query(
                        "select pg_catalog.pg_terminate_backend(\(waiter.reader))")
                } else if overdue >= 0 {
                    try await yield(to: waiter.reader, of: table, on: source)
                }
            }
        }
    }

    private func waiters(
        behind readers: [Int32], _ source: Connection
    ) async throws -> [Waiter] {
        let list = readers.map(String.init).joined(separator: ",")
        try await source.execute("select pg_catalog.pg_stat_clear_snapshot()")
        return try await source.query(
            """
            select a.pid, b.pid as reader, coalesce(extract(epoch from
                pg_catalog.clock_timestamp() - coalesce(w.waitstart, a.query_start)), 0) as seconds,
              'pid ' || a.pid || ' (' || coalesce(a.application_name, '?') || ', '
                || coalesce(a.usename::pg_catalog.text, '?') || ')' as who
            from pg_catalog.pg_stat_activity a
            cross join lateral (select distinct
              unnest(pg_catalog.pg_blocking_pids(a.pid)) as pid) b
            left join pg_catalog.pg_locks w on w.pid = a.pid and not w.granted
            where a.wait_event_type = 'Lock' and b.pid = any ('{\(list)}'::pg_catalog.int4[])
            """
        ).records.map { row in
            Waiter(
                pid: try row.int32("pid"), who: try row.text("who"),
                seconds: try row.double("seconds"), reader: try row.int32("reader"))
        }
    }

    private func yield(to backend: Int32, of table: TableName, on source: Connection) async throws {
        let isFirst = state.withLock { state in
            state.reading[backend] == table && state.yielding.insert(backend).inserted
        }
        guard isFirst else { return }
        logger.info("copy given up for who waits for it", metadata: ["table": "\(table)"])
        try await source.query("select pg_catalog.pg_cancel_backend(\(backend))")
    }
}
