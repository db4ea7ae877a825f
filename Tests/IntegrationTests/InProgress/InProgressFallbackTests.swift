import LeatTestSupport
import Testing

/// What cannot be applied before it commits: the run begins again, and the transaction waits on
/// disk for its end.
@Suite("Transactions in progress that do not fit yet", .serialized)
struct InProgressFallbackTests {
    private static let fallback = "cannot be applied yet"

    /// The small transactions can have the value on the source, for the large one has given it up
    /// by its end; on the target they wait for its session, which waits for what comes after them.
    @Test("sessions that wait for each other because of an index that only the target has")
    func extraIndex() async throws {
        try await StreamFixture.withGates { stream in
            try await stream.target.sql(
                "create unique index on keyed (v)", database: stream.database)
            let leat = try stream.start()
            try await stream.waitUntilStreaming()

            async let open = stream.source.run(
                script: """
                    begin;
                    insert into keyed select i, i, 'open' from generate_series(1, 30000) i;
                    \(StreamFixture.wait(atGate: 1))
                    update keyed set v = -id;
                    commit;
                    """, database: stream.database)
            try await stream.waitUntilInProgress()
            try await stream.source.run(
                script: """
                    insert into keyed values (-1, 17, 'in the way');
                    delete from keyed where id = -1;
                    insert into gate values (1);
                    """, database: stream.database)
            _ = try await open
            try await stream.waitUntilCaughtUp()

            try await stream.expectEqual()
            #expect(leat.log.contains(Self.fallback), "\(stream.logEnd)")
            #expect(leat.log.matches(of: /Trying again/).count == 1, "\(stream.logEnd)")
        }
    }

    @Test("a column that the transaction itself adds")
    func definitionWithin() async throws {
        let stream = try await StreamFixture.streaming()
        let leat = try stream.start()
        try await stream.waitUntilStreaming()

        try await stream.target.sql(
            "alter table keyed add more text", database: stream.database)
        try await stream.source.run(
            script: """
                begin;
                insert into keyed select i, i, 'before' from generate_series(1, 30000) i;
                alter table keyed add more text;
                insert into keyed select i, i, 'after', 'more' from generate_series(30001, 60000) i;
                commit;
                """, database: stream.database)
        try await stream.waitUntilCaughtUp()

        try await stream.expectEqual()
        #expect(leat.exit == nil)
    }

    @Test("a conflict stops the stream only if the transaction commits")
    func conflict() async throws {
        try await StreamFixture.withGates { stream in
            let leat = try stream.start()
            try await stream.waitUntilStreaming()
            try await stream.target.sql(
                "insert into keyed values (9000, 0, 'not from the source')",
                database: stream.database)

            async let open: Void = large(
                stream, "\(StreamFixture.wait(atGate: 1)) rollback")
            try await leat.waitForOutput(containing: Self.fallback)
            try await stream.openGate(1)
            try await open
            try await stream.waitUntilCaughtUp()
            #expect(leat.exit == nil)

            try await large(stream, "commit")
            #expect(try await leat.waitForExit() == 7)
            #expect(leat.log.contains("insert_exists"), "\(stream.logEnd)")
            try await stream.target.sql("delete from keyed", database: stream.database)
            try stream.start()
            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
        }
    }

    @Test("a conflict that a policy resolves needs no other way")
    func resolvedConflict() async throws {
        let stream = try await StreamFixture.streaming()
        let leat = try stream.start("--on-conflict", "insert_exists=apply")
        try await stream.waitUntilStreaming()
        try await stream.target.sql(
            "insert into keyed values (9000, 0, 'not from the source')",
            database: stream.database)

        try await large(stream, "commit")
        try await stream.waitUntilCaughtUp()

        try await stream.expectEqual()
        #expect(!leat.log.contains("Trying again"), "\(stream.logEnd)")
        #expect(
            try await stream.target.scalar(
                "select count(*) from leat.conflicts", database: stream.database) == "1")
    }

    private func large(_ stream: StreamFixture, _ end: String) async throws {
        try await stream.source.run(
            script: """
                begin;
                insert into keyed select i, i, 'large' from generate_series(1, 30000) i;
                \(end);
                """, database: stream.database)
    }
}
