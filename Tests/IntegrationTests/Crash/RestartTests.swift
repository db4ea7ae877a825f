import LeatTestSupport
import Testing

/// Servers crash while Leat is at work; it stays up and connects again.
@Suite("Restart of a server", .serialized)
struct RestartTests {
    @Test("a source that crashes again and again under load loses nothing")
    func source() async throws {
        try await StreamFixture.withOwnServers(tables: StreamFixture.loadTables) { stream in
            try await restarts(stream, stream.source)
        }
    }

    /// An immediate stop loses what the target has not flushed: asynchronous commits, which must
    /// not have been confirmed.
    @Test("a target that crashes again and again under load loses nothing")
    func target() async throws {
        var options = TemporaryCluster.Options()
        options.fsync = true
        // Longer than it takes to lose something.
        options.settings = ["wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"]
        try await StreamFixture.withOwnServers(
            target: options, tables: StreamFixture.loadTables
        ) { stream in
            try await restarts(stream, stream.target)
        }
    }

    private func restarts(_ stream: StreamFixture, _ server: TemporaryCluster) async throws {
        try await stream.fill()
        let leat = try stream.start()
        try await stream.waitUntilStreaming()

        try await stream.watchingPositions {
            try await stream.underLoad {
                for _ in 0..<4 {
                    try await waitUntilApplying(stream)
                    try await server.restart(mode: .immediate)
                }
                try await waitUntilApplying(stream)
            }
            try await stream.waitUntilCaughtUp()
        }

        try await stream.expectEqual()
        #expect(leat.exit == nil)
    }

    /// Waits until changes that are made from now on arrive.
    private func waitUntilApplying(_ stream: StreamFixture) async throws {
        try await stream.source.waitUntil(sql: "select true")
        try await stream.waitUntilCaughtUp()
    }
}
