import LeatTestSupport
import Testing

@Suite("A source whose keepalives name an end that it does not have")
struct FalseEndTests {
    /// One that no server can have by then, and one that it might.
    @Test(
        "ends it with 3, and no position lies beyond the source's own",
        arguments: [UInt64.max, nil])
    func stops(end: UInt64?) async throws {
        let stream = try await StreamFixture(.v16, tables: "create table t (id int primary key)")
        let proxies = try StreamProxies(stream)
        let leat = try proxies.start(stream)
        try await stream.waitUntilStreaming()
        try await stream.waitUntilCaughtUp()

        let near = try await stream.source.scalar(
            "select (pg_current_wal_flush_lsn() - '0/0')::int8 + (1 << 30)")
        proxies.source.lie(end: try #require(end ?? near.flatMap { UInt64($0) }))
        try await stream.source.sql("select pg_logical_emit_message(false, 'a', 'b')")

        #expect(try await leat.waitForExit() == 3, "\(leat.log)")
        #expect(leat.log.contains("is beyond the end of the source's WAL"), "\(leat.log)")
        let written = try await stream.source.scalar("select pg_current_wal_flush_lsn()") ?? ""
        #expect(try await !stream.isConfirmed(beyond: written))
        #expect(
            try await stream.target.scalar(
                "select end_lsn <= '\(written)' from leat.progress", database: stream.database)
                == "t")

        // The source was never asked for anything that it has not: another start goes on.
        try await stream.source.sql("insert into t values (1)", database: stream.database)
        try stream.start()
        try await stream.waitUntilCaughtUp()
        try await stream.expectEqual()
    }
}
