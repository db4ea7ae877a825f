import LeatTestSupport
import Testing

/// With TLS a row is a record, or several; libpq and the library below it each hold some of them
/// that the socket no longer shows.
@Suite("A stream over TLS")
struct TLSTests {
    private static let tables = """
        create table t (id int primary key, v int not null, note text not null);
        alter table t alter note set storage external;
        """
    /// Around what a record holds, and what libpq reads at a time.
    private static let lengths = [
        1, 100, 8_000, 8_192, 16_000, 16_300, 16_384, 17_000, 32_768, 65_536, 300_000, 3_000_000,
    ]

    private func insert(_ first: Int, _ length: Int) -> String {
        """
        insert into t select \(first) + i, \(length), repeat('n', \(length))
        from generate_series(1, \(max(1, min(2000, 1_000_000 / length)))) i;
        """
    }

    @Test("brings rows of all lengths, many at once and one at a time")
    func lengths() async throws {
        try await StreamFixture.withOwnServers(tables: Self.tables) { stream in
            try await stream.source.allowTLS()
            try await stream.target.allowTLS()
            let source = stream.source.conninfo(database: stream.database) + " sslmode=require"
            let target = stream.target.conninfo(database: stream.database) + " sslmode=require"
            let leat = try stream.start(source: source, target: target)
            try await stream.waitUntilStreaming()
            #expect(
                try await stream.source.scalar(
                    """
                    select bool_and(ssl) from pg_stat_replication join pg_stat_ssl using (pid)
                    where application_name = 'leat_\(stream.database)'
                    """) == "t")
            #expect(try await leat.terminate() == 0, "\(stream.logEnd)")

            for (index, length) in Self.lengths.enumerated() {
                try await stream.source.sql(
                    insert(index * 10_000, length), database: stream.database)
            }
            try stream.start(source: source, target: target)
            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()

            for (index, length) in Self.lengths.enumerated() {
                let id = -1 - index
                try await stream.source.sql(
                    "insert into t values (\(id), 0, repeat('o', \(length)))",
                    database: stream.database)
                try await stream.waitForTarget(
                    "select exists (select from t where id = \(id))", .seconds(60))
            }
            try await stream.expectEqual()
        }
    }
}
