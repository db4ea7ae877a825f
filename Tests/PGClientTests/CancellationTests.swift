import LeatTestSupport
@testable import PGClient
import Testing

@Suite("Cancellation")
struct CancellationTests {
    /// Cancels a task once `isWaiting` is true on the server, and returns how long it took to end.
    private func cancel(
        _ task: Task<Void, any Error>, pid: String, waitEvent: String
    ) async throws -> Duration {
        let cluster = try await ClusterPool.shared.cluster(.v15, as: .target)
        try await cluster.waitUntil(
            sql: "select wait_event_type = '\(waitEvent)' from pg_stat_activity where pid = \(pid)")
        let start = ContinuousClock.now
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let took = ContinuousClock.now - start
        // The session stands idle or is gone: the statement does not run on.
        try await cluster.waitUntil(
            sql: """
                select not exists (
                  select from pg_stat_activity where pid = \(pid) and state = 'active')
                """)
        return took
    }

    private func pid(_ connection: Connection) async throws -> String {
        try await connection.query("select pg_backend_pid()").scalar ?? ""
    }

    @Test("a cancelled task leaves a sleeping server at once, and its statement ends")
    func sleeping() async throws {
        var times: [Duration] = []
        for _ in 0..<5 {
            let connection = try await Server.connection()
            let pid = try await pid(connection)
            let task = Task { _ = try await connection.query("select pg_sleep(60)") }
            times.append(try await cancel(task, pid: pid, waitEvent: "Timeout"))
        }

        let median = times.sorted()[2]
        print("cancelled while the server sleeps: median \(median)")
        #expect(median < .seconds(10))
    }

    @Test("a cancelled task leaves a server that waits for a lock, and its statement ends")
    func locked() async throws {
        let holder = try await Server.connection()
        try await holder.execute("begin; select pg_advisory_xact_lock(4711)")
        let connection = try await Server.connection()
        let pid = try await pid(connection)

        let task = Task { _ = try await connection.query("select pg_advisory_lock(4711)") }
        let took = try await cancel(task, pid: pid, waitEvent: "Lock")

        print("cancelled while the server waits for a lock: \(took)")
        #expect(took < .seconds(20))
    }

    @Test("a cancelled task leaves a connection attempt that gets no answer")
    func connecting() async throws {
        let cluster = try await ClusterPool.shared.cluster(.v15, as: .target)
        let proxy = try TCPProxy(to: cluster.port)
        proxy.stall()
        let task = Task { _ = try await Server.connection(proxy.conninfo()) }
        try await waitUntil("the proxy has a connection") { proxy.connectionCount > 0 }

        let start = ContinuousClock.now
        task.cancel()

        await #expect(throws: CancellationError.self) { try await task.value }
        let took = ContinuousClock.now - start
        print("cancelled while connecting: \(took)")
        #expect(took < .seconds(20))
    }

    @Test("a cancelled session is good for nothing more, closing included")
    func afterwards() async throws {
        let connection = try await Server.connection()
        connection.interrupt.cancel()

        await #expect(throws: CancellationError.self) {
            _ = try await connection.query("select 1")
        }
        await connection.close()
    }
}
