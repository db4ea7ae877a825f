import LeatTestSupport
import Testing

/// A source in fast shutdown waits until its walsenders have confirmed everything. It must not
/// wait for a target that cannot take it.
@Suite("Fast stop of the source", .serialized)
struct SourceStopTests {
    enum Target: CaseIterable {
        case stopped, suspended, locked
    }

    @Test("takes less than 10 s when nothing is pending")
    func healthy() async throws {
        try await StreamFixture.withOwnServers(tables: StreamFixture.loadTables) { stream in
            try await stream.fill()
            try stream.start()
            try await stream.waitUntilStreaming()

            try await stopAndReturn(stream, "healthy")

            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
            #expect(stream.leat?.exit == nil)
        }
    }

    @Test(
        "takes less than 10 s whatever the target does",
        arguments: Target.allCases, ["a row pending", "the channel full"])
    func stalled(_ target: Target, _ pending: String) async throws {
        try await StreamFixture.withOwnServers(tables: StreamFixture.loadTables) { stream in
            try await stream.fill()
            try stream.start()
            try await stream.waitUntilStreaming()
            try await stream.waitUntilCaughtUp()

            try await whileStalled(target, stream) {
                switch (target, pending) {
                case (.stopped, _):
                    // Leat is gone from the source too then.
                    try await write(stream)
                case (_, "the channel full"):
                    try await stream.fillChannel()
                default:
                    try await write(stream)
                    try await waitUntilSent(stream)
                }
                try await stopAndReturn(stream, "\(target), \(pending)")
            }

            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
            #expect(stream.leat?.exit == nil)
        }
    }

    private func write(_ stream: StreamFixture) async throws {
        try await stream.source.sql(
            "insert into journal values (1, 1, 'pending')", database: stream.database)
    }

    private func waitUntilSent(_ stream: StreamFixture) async throws {
        try await stream.source.waitUntil(
            sql: """
                select sent_lsn >= pg_current_wal_flush_lsn() from pg_stat_replication
                where application_name = 'leat_\(stream.database)'
                """)
    }

    private func whileStalled(
        _ target: Target, _ stream: StreamFixture, _ body: () async throws -> Void
    ) async throws {
        switch target {
        case .stopped:
            try await stream.target.stop(mode: .fast)
            try await body()
            try await stream.target.start()
        case .suspended:
            stream.target.suspend()
            try await body()
            stream.target.resume()
        case .locked:
            try await stream.whileLocked("journal", body)
        }
    }

    private func stopAndReturn(_ stream: StreamFixture, _ what: String) async throws {
        let duration = try await stream.source.stop(mode: .fast)
        print("fast stop of the source, \(what): \(duration)")
        #expect(duration < .seconds(10), "\(stream.logEnd)")
        try await stream.source.start()
    }
}
