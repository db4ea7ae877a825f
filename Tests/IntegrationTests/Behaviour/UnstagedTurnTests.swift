import LeatTestSupport
import Testing

/// Two sessions take turns, and one of them has no part in a batch after all.
@Suite("A batch that cannot be staged before its turn", .serialized)
struct UnstagedTurnTests {
    private static let names = ["a", "b", "c"]
    private static let tables = names.map {
        "create table \($0) (id int primary key, v int not null);"
    }.joined()

    /// Three batches, one for each of three tables, each held by a lock on the target:
    ///
    ///     main      stage a - apply a ............... stage b .......... refused - apply b
    ///     second              stage c ............... apply c ... commit c
    ///
    /// The session that commits `c` moves the position while the main one is still within the
    /// staging of `b`; the server then refuses that, so that `b` has no turn to learn it by.
    @Test("goes on from where the turn that ended meanwhile has left the position")
    func learnsPosition() async throws {
        // On servers where nobody else moves the position: while it is stored no batch is staged.
        try await StreamFixture.withOwnServers(tables: Self.tables, learnsPosition)
    }

    private func learnsPosition(_ stream: StreamFixture) async throws {
        for table in Self.names {
            try await stream.source.sql(
                "insert into \(table) select i, 0 from generate_series(1, 1000) i",
                database: stream.database)
        }
        let leat = try stream.start()
        try await stream.waitUntilStreaming()
        // A row of each, so that the main session has looked at the tables before.
        for table in Self.names { try await update(table, where: "id = 1", stream) }
        try await stream.waitUntilCaughtUp()

        try await stream.whileLocked("b") {
            try await stream.whileLocked("c", mode: "share row exclusive") {
                try await stream.whileLocked("a", mode: "share row exclusive") {
                    try await update("a", stream)
                    try await waitUntilHeld("a", stream, isMain: true)
                    try await update("c", stream)
                    try await waitUntilStaged(stream)
                    try await update("b", stream)
                }
                try await waitUntilHeld("c", stream, isMain: false)
                try await waitUntilHeld("b", stream, isMain: true)
            }
            try await stream.waitForTarget("select min(v) > 0 from c")
            try await waitUntilNothingIsOpen(stream)
            #expect(
                try await stream.target.scalar(
                    "select pg_cancel_backend(a.pid) \(waiter("b", stream, isMain: true))",
                    database: stream.database) == "t")
            try await waitUntilHeldAgain(stream)
        }
        try await stream.waitUntilCaughtUp()

        try await stream.expectEqual()
        #expect(try await leat.terminate() == 0, "\(stream.logEnd)")
        #expect(!leat.log.contains("Trying again"), "\(stream.logEnd)")
    }

    private func update(
        _ table: String, where condition: String = "true", _ stream: StreamFixture
    ) async throws {
        try await stream.source.sql(
            "update \(table) set v = v + 1 where \(condition)", database: stream.database)
    }

    // MARK: Leat's sessions on the target

    /// Of those that are Leat's: `a`, and the stream's lock that it holds, `s`.
    private func session(_ stream: StreamFixture, isMain: Bool) -> String {
        """
        from pg_stat_activity a join pg_locks s on s.pid = a.pid
        where a.application_name = 'leat_\(stream.database)' and a.datname = '\(stream.database)'
          and s.locktype = 'advisory' and s.classid = \(isMain ? 1_818_583_412 : 1_818_583_413)
        """
    }

    private func waiter(_ table: String, _ stream: StreamFixture, isMain: Bool) -> String {
        """
        \(session(stream, isMain: isMain)) and exists (select from pg_locks l
          where l.pid = a.pid and not l.granted and l.relation = '\(table)'::regclass)
        """
    }

    private func waitUntilHeld(
        _ table: String, _ stream: StreamFixture, isMain: Bool
    ) async throws {
        try await stream.waitForTarget(
            "select exists (select \(waiter(table, stream, isMain: isMain)))", .seconds(60))
    }

    /// Waits until the second session has staged a batch, and has no turn yet.
    private func waitUntilStaged(_ stream: StreamFixture) async throws {
        try await stream.waitForTarget(
            """
            select exists (select \(session(stream, isMain: false))
              and a.state = 'idle in transaction' and a.query ~ '(?i)^copy .*leat_staging')
            """, .seconds(60))
    }

    private func waitUntilNothingIsOpen(_ stream: StreamFixture) async throws {
        try await stream.waitForTarget(
            "select exists (select \(session(stream, isMain: false)) and a.state = 'idle')",
            .seconds(60))
    }

    /// Waits until the main session wants `b` for the batch itself.
    private func waitUntilHeldAgain(_ stream: StreamFixture) async throws {
        try await stream.waitForTarget(
            """
            select exists (select \(waiter("b", stream, isMain: true))
              and a.xact_start < a.query_start)
            """, .seconds(60))
    }
}
