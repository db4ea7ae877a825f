import LeatTestSupport
import Testing

/// Leat is killed where it hurts most, and started again.
@Suite("Killed at a fail point", .serialized)
struct FailPointTests {
    @Test(
        "under load, the next start loses nothing and applies nothing twice",
        arguments: [
            "slot-created", "table-half-copied:2", "table-copied", "table-copied:3",
            "batch-sent", "batch-sent:7", "commit-sent", "commit-sent:6",
            "stored-not-confirmed", "stored-not-confirmed:3",
        ])
    func resumes(_ failPoint: String) async throws {
        try await resumes(failPoint, StreamFixture(tables: StreamFixture.loadTables))
    }

    @Test(
        "the same with newer servers",
        arguments: [("commit-sent:4", PostgresVersion.v16), ("table-copied:2", .v18)])
    func resumes(_ failPoint: String, _ version: PostgresVersion) async throws {
        try await resumes(failPoint, StreamFixture(version, tables: StreamFixture.loadTables))
    }

    private func resumes(_ failPoint: String, _ stream: StreamFixture) async throws {
        try await stream.fill()

        try await stream.watchingPositions {
            try await stream.underLoad {
                let code = try await stream.start(failPoint: failPoint).waitForExit()
                #expect(code == 137, "\(stream.logEnd)")
                try stream.start()
                try await stream.waitUntilCaughtUp()
            }
            try await stream.waitUntilCaughtUp()
        }

        try await stream.expectEqual()
    }

    /// What both sides have got since is not what the changes from before were about.
    @Test(
        "behind the copy of a table, both sides of which get a column before the next start",
        arguments: ["add more int", "rename v to w"])
    func resumesAltered(_ change: String) async throws {
        let schema = "create table t (id int primary key, v int, note text)"
        try await Pair.with(schema: schema, rows: "insert into t values (1, 1, 'n')") { pair in
            let killed = try await pair.leat(
                ["sync"] + pair.places, environment: ["LEAT_FAILPOINT": "table-copied"])
            #expect(killed.exitCode == 137)
            try await pair.onSource("insert into t values (2, 2, 'n')")
            for statement in "alter table t \(change)".split(separator: ";") {
                try await pair.onSource("\(statement)")
                try await pair.onTarget("\(statement)")
            }
            try await pair.onSource("insert into t values (3, 3)")

            try await pair.catchUp()

            try await pair.expectEqual()
        }
    }

    /// Its subtransactions are too many for an open transaction on the target.
    @Test(
        "in the middle of a streamed transaction that is spooled",
        arguments: [PostgresVersion.v15, .v18])
    func resumesStreamed(_ version: PostgresVersion) async throws {
        let stream = try await StreamFixture(version, tables: StreamFixture.loadTables)
        try await stream.source.sql(
            "alter database \(stream.database) set logical_decoding_work_mem = '64kB'")
        try await stream.fill()

        try await stream.watchingPositions {
            try await stream.underLoad {
                let leat = try stream.start(failPoint: "mid-stream:5000")
                try await stream.waitUntilStreaming()
                try await stream.source.sql(
                    """
                    begin;
                    do $$ begin
                      for i in 1..40 loop
                        begin
                          insert into journal values (3, i, 'subtransaction');
                        exception when others then null;
                        end;
                      end loop;
                    end $$;
                    insert into journal select 1, i, 'large' from generate_series(1, 20000) i;
                    savepoint s;
                    insert into journal select 2, i, 'gone' from generate_series(1, 5000) i;
                    rollback to s;
                    update whole set v = v + 1 where id < 50;
                    commit
                    """, database: stream.database)
                #expect(try await leat.waitForExit() == 137)
                try stream.start()
                try await stream.waitUntilCaughtUp()
            }
            try await stream.waitUntilCaughtUp()
        }

        try await stream.expectEqual()
    }

    @Test("a COMMIT whose answer is lost is found on the target, not repeated")
    func findsLostCommit() async throws {
        let stream = try await StreamFixture(tables: StreamFixture.loadTables)
        let proxy = try TCPProxy(to: stream.target.port)
        try await stream.fill()
        try stream.start(target: proxy.conninfo(database: stream.database))
        try await stream.waitUntilStreaming()

        try await stream.whileLocked("journal") {
            try await stream.source.sql(
                "insert into journal values (7, 7, 'once')", database: stream.database)
            try await stream.waitUntilBlocked()
            // Of the open transaction, then, and not of a stored position. The whole message:
            // the statements before it have the word in them too.
            proxy.dropServerAnswers(whenClientSends: "commit\u{0}")
        }
        try await waitUntil("commit is sent") { proxy.isDroppingServerAnswers }
        try await stream.waitForTarget(
            "select exists (select from journal where note = 'once')")
        proxy.cut()
        proxy.resume()
        try await stream.source.sql(
            "insert into journal values (7, 7, 'twice')", database: stream.database)
        try await stream.waitUntilCaughtUp()

        try await stream.expectEqual()
        #expect(stream.leat?.exit == nil)
    }
}
