import Foundation
import LeatTestSupport
import Testing

/// The slot of a stream that is never idle: the source must not keep its WAL until it is.
@Suite("A stream that stays busy", .serialized)
struct BusyStreamTests {
    private static let tables = """
        create table t (id int primary key, v int not null, note text);
        create table log (id int primary key, v int);
        """

    private func withRows(_ body: (StreamFixture) async throws -> Void) async throws {
        try await StreamFixture.withOwnServers(tables: Self.tables) { stream in
            try await stream.source.sql(
                "insert into t select i, 0, repeat('n', 60) from generate_series(0, 19999) i",
                database: stream.database)
            try stream.start()
            try await stream.waitUntilCaughtUp()
            #expect(try await stream.leat?.terminate() == 0, "\(stream.logEnd)")
            try await body(stream)
        }
    }

    /// Even while two sessions take turns, Leat sees how far the target's disk is.
    @Test("with batches in staging tables confirms positions meanwhile")
    func staged() async throws {
        try await withRows { stream in
            try await expectMoves(stream, whileApplying: 400)
        }
    }

    /// The disk does not count here: about once a second a batch's own commit waits for the standby.
    @Test("with batches in staging tables and a synchronous standby does so too")
    func stagedWithStandby() async throws {
        try await withRows { stream in
            try await stream.withSynchronousStandby { _ in
                try await expectMoves(stream, whileApplying: 250)
            }
        }
    }

    @Test("with small transactions at a high rate confirms positions meanwhile")
    func small() async throws {
        try await withRows { stream in
            try stream.start("--status-interval", "10min")
            try await stream.waitUntilStreaming()
            let script = "\(stream.source.folder)/load-\(stream.database).sql"
            try Data(
                """
                \\set id random(0, 19999)
                update t set v = v + 1 where id = :id;
                """.utf8
            ).write(to: URL(fileURLWithPath: script))
            let load = try stream.source.startPgbench(
                ["-n", "-c", "2", "-T", "8", "-f", script], database: stream.database)

            try await expectMoves(stream) { load.exit != nil }
            try await stream.waitUntilCaughtUp()
            try await stream.expectEqual()
        }
    }

    /// - Parameter batches: So many transactions, about a batch each, are there before Leat starts:
    ///   it is behind until the end.
    private func expectMoves(_ stream: StreamFixture, whileApplying batches: Int) async throws {
        try await stream.source.run(
            script: """
                do $$ begin for i in 1..\(batches) loop
                  update t set v = v + 1 where id % 4 = i % 4 or id = i;
                  insert into log values (i, i);
                  commit;
                end loop; end $$;
                """, database: stream.database)
        // The tick that reports an idle stream is to have no part in it.
        try stream.start("--status-interval", "10min")
        try await stream.waitUntilStreaming()

        try await expectMoves(stream) {
            try await stream.target.scalar(
                "select exists (select from log where id = \(batches))",
                database: stream.database) == "t"
        }
        try await stream.expectEqual()
    }

    /// Expects that the slot moves on until the load has ended: about each second, but a third of
    /// that will do where the machine has other things to do.
    private func expectMoves(
        _ stream: StreamFixture, until isOver: () async throws -> Bool
    ) async throws {
        var seen: Set<String> = []
        let start = try await stream.confirmed()
        let began = ContinuousClock.now
        while true {
            let confirmed = try await stream.confirmed()
            #expect(stream.leat?.exit == nil, "\(stream.logEnd)")
            guard try await !isOver(), stream.leat?.exit == nil else { break }
            if let confirmed, confirmed != start { seen.insert(confirmed) }
            guard ContinuousClock.now - began < .patience else {
                throw TestSupportError("The load does not end")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        let seconds = Int((ContinuousClock.now - began) / .seconds(1))

        #expect(
            seen.count >= max(2, seconds / 3),
            "\(seen.count) positions in \(seconds) seconds\n\(stream.logEnd)")
    }
}
