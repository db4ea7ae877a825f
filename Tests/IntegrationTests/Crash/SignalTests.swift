import Foundation
import LeatTestSupport
import Testing

/// Leat is told to stop. Whatever is going on, it does so in time, and the next start goes on.
@Suite("Signals", .serialized)
struct SignalTests {
    @Test("SIGTERM while idle")
    func idle() async throws {
        let stream = try await started()
        try await stream.waitUntilCaughtUp()

        try await stopsInTime(stream, "idle")

        try await resumes(stream)
    }

    @Test("SIGHUP, SIGUSR1 and SIGUSR2 mean nothing to it")
    func ignored() async throws {
        let stream = try await started()
        for signal in [SIGHUP, SIGUSR1, SIGUSR2] { stream.leat?.signal(signal) }
        try await write(stream)
        try await stream.waitUntilCaughtUp()

        try await stopsInTime(stream, "after signals that it ignores")
    }

    @Test("SIGTERM under load")
    func underLoad() async throws {
        let stream = try await started()

        try await stream.underLoad {
            try await stream.waitUntilCaughtUp()
            try await stopsInTime(stream, "under load")
        }

        try await resumes(stream)
    }

    @Test("SIGTERM while the target is blocked by a lock")
    func locked() async throws {
        let stream = try await started()

        try await stream.whileLocked("journal") {
            try await write(stream)
            try await stream.waitUntilBlocked()
            try await stopsInTime(stream, "target locked")
        }

        try await resumes(stream)
    }

    @Test("SIGTERM while the target is blocked by a lock and the channel is full")
    func lockedAndFull() async throws {
        let stream = try await started()

        try await stream.whileLocked("journal") {
            try await stream.fillChannel()
            try await stopsInTime(stream, "target locked, channel full")
        }

        try await resumes(stream)
    }

    @Test("SIGTERM while the target is suspended")
    func suspended() async throws {
        try await StreamFixture.withOwnServers(tables: StreamFixture.loadTables) { stream in
            try await start(stream)
            stream.target.suspend()
            try await write(stream)
            try await stopsInTime(stream, "target suspended")
            stream.target.resume()

            try await resumes(stream)
        }
    }

    @Test("SIGTERM while tables are copied")
    func duringCopy() async throws {
        let stream = try await StreamFixture(tables: StreamFixture.loadTables)
        try await stream.fill()

        try await stream.whileLocked("journal", mode: "share") {
            try await stream.start()
                .waitForOutput(containing: "copied rows=5000 table=public.keyed")
            try await stream.waitUntilBlocked()
            try await stopsInTime(stream, "copying")
        }

        try await resumes(stream)
    }

    @Test("SIGTERM while the source cannot be reached")
    func duringBackoff() async throws {
        let stream = try await StreamFixture(tables: StreamFixture.loadTables)
        let proxy = try TCPProxy(to: stream.source.port)
        try await stream.fill()
        let leat = try stream.start(source: proxy.conninfo(database: stream.database))
        try await stream.waitUntilStreaming()

        proxy.refuse()
        proxy.cut()
        // The third wait is the first that is sure to be longer than it takes to ask.
        try await waitUntil("the third wait") {
            leat.log.matches(of: /Trying again/).count >= 3
        }
        try await stopsInTime(stream, "source gone")

        try await resumes(stream)
    }

    @Test("a second SIGTERM ends at once")
    func twice() async throws {
        let stream = try await started()

        try await stream.whileLocked("journal") {
            try await write(stream)
            try await stream.waitUntilBlocked()
            stream.leat?.signal(SIGTERM)
            try await stream.leat?.waitForOutput(containing: " stopping ")
            stream.leat?.signal(SIGTERM)
            let duration = try await ContinuousClock().measure {
                let code = try await stream.leat?.waitForExit()
                #expect(code == 130)
            }
            // The first one alone takes 12 s here.
            print("second SIGTERM: \(duration)")
            #expect(duration < .seconds(6))
        }

        try await resumes(stream)
    }

    @Test("SIGINT stops as SIGTERM does, with exit code 130")
    func interrupt() async throws {
        let stream = try await started()
        try await write(stream)

        stream.leat?.signal(SIGINT)
        let code = try await stream.leat?.waitForExit()

        #expect(code == 130)
        try await resumes(stream)
    }

    // MARK: Parts

    private func started() async throws -> StreamFixture {
        let stream = try await StreamFixture(tables: StreamFixture.loadTables)
        try await start(stream)
        return stream
    }

    private func start(_ stream: StreamFixture) async throws {
        try await stream.fill()
        try stream.start()
        try await stream.waitUntilStreaming()
    }

    private func write(_ stream: StreamFixture) async throws {
        try await stream.source.sql(
            "insert into journal values (1, 1, 'pending')", database: stream.database)
    }

    private func stopsInTime(_ stream: StreamFixture, _ what: String) async throws {
        let leat = try #require(stream.leat)
        let duration = try await ContinuousClock().measure {
            let code = try await leat.terminate()
            #expect(code == 0, "\(stream.logEnd)")
        }
        print("SIGTERM, \(what): \(duration)")
        #expect(duration < .seconds(20), "\(stream.logEnd)")
    }

    private func resumes(_ stream: StreamFixture) async throws {
        try stream.start()
        try await stream.waitUntilCaughtUp()
        try await stream.expectEqual()
    }
}
