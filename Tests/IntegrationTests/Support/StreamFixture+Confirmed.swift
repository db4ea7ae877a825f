import LeatTestSupport
import Testing

/// What the source has heard.
extension StreamFixture {
    private var slot: String { "from pg_replication_slots where slot_name = 'leat_\(database)'" }

    /// Waits until a position of the source is confirmed, and everything before it.
    func waitUntilConfirmed(_ position: String, timeout: Duration = .patience) async throws {
        try await source.waitUntil(
            sql: "select confirmed_flush_lsn >= '\(position)' \(slot)", timeout: timeout)
    }

    func isConfirmed(beyond position: String) async throws -> Bool {
        try await source.scalar("select confirmed_flush_lsn > '\(position)' \(slot)") == "t"
    }

    func confirmed() async throws -> String? {
        try await source.scalar("select confirmed_flush_lsn \(slot)")
    }

    /// Waits until the source has heard from Leat for two seconds from now on.
    func waitForReports() async throws {
        let now = try await source.scalar("select clock_timestamp()") ?? ""
        try await source.waitUntil(
            sql: """
                select reply_time > timestamptz '\(now)' + interval '2 seconds'
                from pg_stat_replication where application_name = 'leat_\(database)'
                """)
    }
}
