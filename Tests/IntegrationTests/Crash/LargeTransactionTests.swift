import Foundation
import LeatTestSupport
import Testing

/// A transaction far larger than memory should be.
@Suite("A transaction of a million rows", .serialized)
struct LargeTransactionTests {
    struct Case: CustomTestStringConvertible {
        let streaming: String
        let thousands: Int
        let targetCrashes: Bool

        var testDescription: String {
            let crash = targetCrashes ? ", the target crashes in the middle" : ""
            return "streaming \(streaming), \(thousands) 000 rows\(crash)"
        }
    }

    private static let memoryLimit = 200 << 20

    private static let tables =
        StreamFixture.loadTables + """
            create table large (id int primary key, v int not null, note text);
            """

    /// Of `n` thousand rows inserted a tenth is rolled back with its savepoints.
    private static let large = """
        begin;
        insert into large select i, 0, 'first' from generate_series(1, :n * 400) i;
        savepoint a;
        insert into large select i, 1, 'gone' from generate_series(:n * 400 + 1, :n * 450) i;
        update large set v = 2 where id <= :n * 20;
        rollback to a;
        insert into large select i, 3, 'second' from generate_series(:n * 400 + 1, :n * 800) i;
        savepoint b;
        savepoint c;
        delete from large where id > :n * 770;
        rollback to c;
        insert into large select i, 4, 'third' from generate_series(:n * 800 + 1, :n * 1000) i;
        release b;
        update large set note = 'changed' where id <= :n * 20;
        delete from large where id % 100 = 0;
        commit;
        """

    /// Rolled back whole, while the other one is under way.
    private static let abandoned = """
        begin;
        insert into large
        select i, 5, 'abandoned' from generate_series(2000001, 2000000 + :n * 50) i;
        rollback;
        """

    /// On servers of their own: whoever makes a slot waits for transactions that run already.
    @Test(
        "is applied once, and fits into 200 MiB of memory",
        arguments: [
            Case(streaming: "on", thousands: 1000, targetCrashes: false),
            Case(streaming: "off", thousands: 1000, targetCrashes: false),
            Case(streaming: "on", thousands: 200, targetCrashes: true),
            Case(streaming: "off", thousands: 200, targetCrashes: true),
        ])
    func fits(_ test: Case) async throws {
        var target = TemporaryCluster.Options()
        target.fsync = test.targetCrashes
        try await StreamFixture.withOwnServers(
            source: Self.smallPieces, target: target, tables: Self.tables
        ) { stream in
            try await run(test, stream)
        }
    }

    private static var smallPieces: TemporaryCluster.Options {
        var options = TemporaryCluster.Options()
        options.settings = ["logical_decoding_work_mem": "64kB"]
        return options
    }

    private func run(_ test: Case, _ stream: StreamFixture) async throws {
        let leat = try stream.start("--streaming", test.streaming)
        try await stream.waitUntilStreaming()

        let duration = try await ContinuousClock().measure {
            try await stream.underLoad(rate: 20) {
                async let abandoned = run(Self.abandoned, test, stream)
                try await run(Self.large, test, stream)
                try await abandoned
                if test.targetCrashes { try await crashTarget(stream) }
            }
            try await stream.waitUntilCaughtUp(timeout: .patience * 3)
        }

        print("\(test.testDescription): \(duration), peak \(leat.peakResidentBytes >> 20) MiB")
        try await stream.expectEqual()
        #expect(leat.peakResidentBytes < Self.memoryLimit)
        #expect(leat.exit == nil)
    }

    private func run(_ script: String, _ test: Case, _ stream: StreamFixture) async throws {
        try await stream.source.run(
            script: "\\set n \(test.thousands)\n\(script)", database: stream.database)
    }

    /// When a part of the transaction is there, and not yet committed.
    private func crashTarget(_ stream: StreamFixture) async throws {
        try await stream.target.waitUntil(
            sql: "select pg_relation_size('large') > 2e6", database: stream.database)
        try await stream.target.restart(mode: .immediate)
    }
}
