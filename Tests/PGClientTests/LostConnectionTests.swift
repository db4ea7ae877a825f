import LeatTestSupport
@testable import PGClient
import Synchronization
import PGWire
import Testing

@Suite("Lost connections")
struct LostConnectionTests {
    private func terminate(_ connection: Connection) async throws {
        let pid = try await connection.query("select pg_backend_pid()").scalar ?? ""
        let other = try await Server.connection()
        // Waits until the backend is gone.
        #expect(
            try await other.query("select pg_terminate_backend($1::int, 5000)", with: [pid]).scalar
                == "t")
    }

    @Test("a session terminated while idle is lost with 57P01")
    func terminatedIdle() async throws {
        let connection = try await Server.connection()
        try await terminate(connection)

        let error = await connectionError { try await connection.query("select 1") }

        #expect(error?.code == .lost && error?.sqlState == "57P01")
    }

    @Test("a session that terminates itself is lost with 57P01, by either protocol")
    func terminatedBusy() async throws {
        for isSimple in [true, false] {
            let connection = try await Server.connection()

            let error = await connectionError {
                let sql = "select pg_terminate_backend(pg_backend_pid()), pg_sleep(10)"
                _ = isSimple ? try await connection.execute(sql) : try await connection.query(sql)
            }

            #expect(error?.code == .lost && error?.sqlState == "57P01")
        }
    }

    @Test("a network that breaks loses the session, without a SQLSTATE")
    func cut() async throws {
        let cluster = try await ClusterPool.shared.cluster(.v15, as: .target)
        let proxy = try TCPProxy(to: cluster.port)
        let connection = try await Server.connection(proxy.conninfo())
        proxy.cut()

        let error = await connectionError { try await connection.query("select 1") }

        #expect(error?.code == .lost && error?.server == nil && error?.peer == .target)
    }

    @Test("a server that does not answer is given up in time")
    func connectTimeout() async throws {
        let cluster = try await ClusterPool.shared.cluster(.v15, as: .target)
        let proxy = try TCPProxy(to: cluster.port)
        proxy.stall()
        let start = ContinuousClock.now

        let error = await connectionError {
            _ = try await Server.connection(proxy.conninfo(), timeout: .milliseconds(300))
        }

        let took = ContinuousClock.now - start
        #expect(error?.code == .timedOut)
        #expect(took >= .milliseconds(300) && took < .seconds(20), "\(took)")
    }

    @Test("a server that owes an answer is told of once, and given up where there is a limit")
    func silence() async throws {
        let cluster = try await ClusterPool.shared.cluster(.v15, as: .target)
        let told = Mutex<[String]>([])
        let connection = Connection(label: "test")
        try await connection.open(
            try Conninfo(cluster.conninfo()),
            options: .init(
                peer: .target, applicationName: "test",
                silence: Silence(toldAfter: .milliseconds(100), limit: .milliseconds(400)) {
                    _, attempted in told.withLock { $0.append(attempted) }
                }))

        // Each by itself is quick enough.
        for _ in 0..<5 { try await connection.query("select pg_sleep(0.05)") }
        #expect(told.withLock { $0.isEmpty })
        let error = await connectionError { try await connection.query("select pg_sleep(60)") }

        #expect(error?.code == .timedOut)
        #expect(told.withLock { $0.count } == 1)
        await connection.close()
    }

    @Test("a refused connection, a missing database and a missing role say so")
    func refused() async throws {
        let cluster = try await ClusterPool.shared.cluster(.v15, as: .target)
        let proxy = try TCPProxy(to: cluster.port)
        proxy.refuse()

        for (conninfo, state) in [
            (proxy.conninfo(), SQLState?.none), (cluster.conninfo(database: "nowhere"), "3D000"),
            (cluster.conninfo(user: "nobody_here"), "28000"),
            ("\(cluster.conninfo(user: "nobody_here")) sslmode=disable", "28000"),
        ] {
            let error = await connectionError { _ = try await Server.connection(conninfo) }
            #expect(error?.code == .connectFailed)
            #expect(error?.sqlState == state)
            #expect(error?.message.contains("LOCATION") == false)
            #expect(error?.message.contains(state?.rawValue ?? "0000") == false)
        }
    }
}
