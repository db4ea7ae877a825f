import Foundation
import LeatTestSupport
import Testing

/// Networks break and stall between Leat and its servers.
@Suite("Connections", .serialized)
struct ConnectionLossTests {
    typealias Side = StreamProxies.Side
    private typealias Proxies = StreamProxies

    @Test("cut while the tables are copied, they are copied again", arguments: Side.allCases)
    func cutDuringCopy(_ side: Side) async throws {
        let stream = try await StreamFixture(tables: StreamFixture.loadTables)
        let proxies = try Proxies(stream)
        try await stream.fill()
        let leat = try await stream.whileLocked("journal", mode: "share") {
            let leat = try proxies.start(stream)
            try await leat.waitForOutput(containing: "copied rows=5000 table=public.keyed")
            try await stream.waitUntilBlocked()
            proxies[side].cut()
            return leat
        }

        // A worker that waits for the target sees only then that the source is gone.
        try await leat.waitForOutput(containing: "Trying again.")
        try await stream.waitUntilCaughtUp()
        try await stream.expectEqual()
        #expect(leat.exit == nil)
    }

    @Test("cut again and again under load, nothing is lost", arguments: Side.allCases)
    func cutWhileStreaming(_ side: Side) async throws {
        let stream = try await StreamFixture(tables: StreamFixture.loadTables)
        let proxies = try Proxies(stream)
        try await stream.fill()
        let leat = try proxies.start(stream)
        try await stream.waitUntilStreaming()

        try await stream.watchingPositions {
            try await stream.underLoad {
                for _ in 0..<5 {
                    try await stream.waitUntilCaughtUp()
                    proxies[side].cut()
                }
            }
            try await stream.waitUntilCaughtUp()
        }

        // Each went on before the next: none counts for another.
        let tries = waits(leat)
        #expect(tries.count >= 5 && tries.allSatisfy { $0 <= 0.1 }, "\(tries)\n\(stream.logEnd)")
        try await stream.expectEqual()
        #expect(leat.exit == nil)
    }

    @Test("while a server refuses it, the tries become rarer", arguments: Side.allCases)
    func backsOff(_ side: Side) async throws {
        let stream = try await StreamFixture(tables: StreamFixture.loadTables)
        let proxies = try Proxies(stream)
        let leat = try proxies.start(stream)
        try await stream.waitUntilStreaming()

        proxies[side].refuse()
        proxies[side].cut()
        try await waitUntil("four tries") { waits(leat).count >= 4 }
        try proxies[side].accept()

        // At once, and then each at least half of its double: 0.05 to 0.1 s, 0.1 to 0.2 s and so on.
        let first = waits(leat)
        #expect(first.first == 0)
        #expect(zip(first, first.dropFirst(2)).allSatisfy { $0 < $1 }, "\(first)")
        try await stream.waitUntilCaughtUp()
        try await stream.expectEqual()
    }

    /// As after a broken network: the server has not missed the old session yet.
    @Test("a stream that this process's own lost session still holds is taken from it")
    func takesFromOwnSession() async throws {
        let stream = try await StreamFixture(tables: StreamFixture.loadTables)
        let proxies = try Proxies(stream)
        let leat = try proxies.start(stream)
        try await stream.waitUntilStreaming()
        let holder = """
            from pg_locks where locktype = 'advisory'
              and database = (select oid from pg_database where datname = '\(stream.database)')
            """
        let text = try await stream.target.scalar("select pid \(holder)")
        let pid = try #require(text.flatMap { pid_t($0) })

        kill(pid, SIGSTOP)
        proxies.target.cut()
        // An idle stream would miss the connection only at its next tick.
        try await stream.source.sql(
            "insert into journal values (1, 1, 'pending')", database: stream.database)
        try await stream.target.waitUntil(
            sql: """
                select exists (select from pg_stat_activity where pid <> \(pid)
                  and query like '%pg_terminate_backend%' and application_name like 'leat%')
                """, equals: "t", database: stream.database)
        kill(pid, SIGCONT)

        try await stream.waitUntilCaughtUp()
        let after = try await stream.target.scalar("select pid \(holder)")
        #expect(after != nil && after != text)
        #expect(leat.exit == nil)
    }

    /// As a box in between that acknowledges everything and forwards nothing: TCP sees a live peer.
    @Test("that died without a word are given up where there is a limit", arguments: Side.allCases)
    func silent(_ side: Side) async throws {
        let stream = try await StreamFixture(tables: StreamFixture.loadTables)
        let proxies = try Proxies(stream)
        try await stream.fill()
        // The source dies while tables are copied, the target while changes are applied.
        if side == .source { proxies.source.dropServerAnswers(whenClientSends: "to stdout") }
        let leat = try proxies.start(stream, "--answer-timeout", "2s")
        if side == .target {
            try await stream.waitUntilStreaming()
            proxies.target.stall()
            try await stream.source.sql(
                "insert into journal values (1, 1, 'pending')", database: stream.database)
        }

        try await leat.waitForOutput(containing: "no answer for 2.0 seconds")
        try await leat.waitForOutput(containing: "Trying again.")
        proxies[side].resume()
        proxies[side].cut()

        try await stream.waitUntilCaughtUp()
        try await stream.expectEqual()
        #expect(leat.exit == nil)
    }

    private func waits(_ leat: LeatProcess) -> [Double] {
        leat.log.matches(of: /Trying again\. in=([0-9.]+) seconds/).compactMap {
            Double($0.output.1)
        }
    }

    @Test(
        "positions are reported while the target stands still",
        arguments: ["a row pending", "the channel full"])
    func reportsWhileStalled(_ pending: String) async throws {
        let stream = try await StreamFixture(tables: StreamFixture.loadTables)
        try await stream.source.sql(
            "alter database \(stream.database) set wal_sender_timeout = '2s'")
        let proxies = try Proxies(stream)
        _ = try proxies.start(stream)
        try await stream.waitUntilStreaming()
        try await stream.waitUntilCaughtUp()

        try await reports(stream, pending) {
            proxies.target.stall()
        } resume: {
            proxies.target.resume()
        }
    }

    @Test("positions are reported while the target is suspended")
    func reportsWhileSuspended() async throws {
        try await StreamFixture.withOwnServers(tables: StreamFixture.loadTables) { stream in
            try await stream.source.sql(
                "alter database \(stream.database) set wal_sender_timeout = '2s'")
            try stream.start()
            try await stream.waitUntilStreaming()
            try await stream.waitUntilCaughtUp()

            try await reports(stream, "a row pending") {
                stream.target.suspend()
            } resume: {
                stream.target.resume()
            }
        }
    }

    /// Expects the same walsender to hear of Leat 5 s after the target stopped answering.
    private func reports(
        _ stream: StreamFixture, _ pending: String, stall: () -> Void, resume: () -> Void
    ) async throws {
        let walsender = """
            from pg_stat_replication where application_name = 'leat_\(stream.database)'
            """
        stall()
        if pending == "the channel full" {
            try await stream.fillChannel()
        } else {
            try await stream.source.sql(
                "insert into journal values (1, 1, 'pending')", database: stream.database)
        }
        let process = try await stream.source.scalar("select pid \(walsender)")
        let start = try await stream.source.scalar("select clock_timestamp()") ?? ""
        try await stream.source.waitUntil(
            sql: "select reply_time > '\(start)'::timestamptz + interval '5 s' \(walsender)")
        #expect(try await stream.source.scalar("select pid \(walsender)") == process)
        resume()

        try await stream.waitUntilCaughtUp()
        try await stream.expectEqual()
        #expect(try await stream.source.scalar("select pid \(walsender)") == process)
        #expect(stream.leat?.log.contains("Trying again") == false, "\(stream.logEnd)")
    }
}
