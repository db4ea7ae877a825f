import Foundation
import LeatTestSupport
import Testing

/// How soon a stream is back after faults of all kinds. Run by hand: `LEAT_RECOVERY` is how many
/// faults, `LEAT_SEED` repeats a run's choice.
@Suite("Recovery by hand")
struct RecoveryCampaignTests {
    static let faults = ProcessInfo.processInfo.environment["LEAT_RECOVERY"].flatMap { Int($0) }

    private struct Round: Sendable {
        var fault: RecoveryFault
        var seconds: Double
    }

    @Test("the target is behind for half a second, as a rule", .enabled(if: faults != nil))
    func measures() async throws {
        let (count, seed) = (Self.faults ?? 0, SeededGenerator.seed)
        var random = SeededGenerator(seed: seed)
        try await StreamFixture.withOwnServers(
            tables: "create table beat (id int primary key)"
        ) { stream in
            let proxies = try StreamProxies(stream)
            try proxies.start(stream)
            try await stream.waitUntilStreaming()
            var rounds: [Round] = []
            for id in 1...count {
                let all = RecoveryFault.allCases
                let fault = all[Int.random(in: 0..<all.count, using: &random)]
                try await beat(-id, stream)
                try await fault.happen(to: stream, proxies)
                let began = ContinuousClock.now
                try await beat(id, stream)
                rounds.append(
                    Round(fault: fault, seconds: (ContinuousClock.now - began) / .seconds(1)))
            }
            tell(rounds, seed)
            try await stream.expectEqual()
            let times = rounds.map(\.seconds).sorted()
            #expect(times[times.count / 2] <= 0.5)
            #expect(times.last ?? 0 < 4)
        }
    }

    /// Writes a row, and waits until it is on the target.
    private func beat(_ id: Int, _ stream: StreamFixture) async throws {
        try await stream.source.sql("insert into beat values (\(id))", database: stream.database)
        try await stream.waitForTarget("select exists (select from beat where id = \(id))")
    }

    private func tell(_ rounds: [Round], _ seed: UInt64) {
        let kinds = Dictionary(grouping: rounds, by: \.fault).sorted { "\($0.key)" < "\($1.key)" }
        for (fault, rounds) in kinds { print("recovery: \(fault) \(Self.figures(rounds))") }
        print("recovery: LEAT_SEED=\(seed), \(rounds.count) faults, \(Self.figures(rounds))")
    }

    private static func figures(_ rounds: [Round]) -> String {
        let times = rounds.map(\.seconds).sorted()
        func text(_ seconds: Double) -> String { "\((seconds * 1000).rounded() / 1000) s" }
        return "median \(text(times[times.count / 2])), longest \(text(times.last ?? 0))"
    }
}

/// What may happen to a stream. All is well again when it has.
enum RecoveryFault: CaseIterable {
    case cutSource, cutTarget, refusedBySource, refusedByTarget, stalledSource, stalledTarget
    case endedWalsender, endedBackend, killedWalsender, killedBackend
    case restartedSource, restartedTarget, crashedSource, crashedTarget

    private static let outage: Duration = .seconds(1)

    func happen(to stream: StreamFixture, _ proxies: StreamProxies) async throws {
        switch self {
        case .cutSource: proxies[.source].cut()
        case .cutTarget: proxies[.target].cut()
        case .refusedBySource: try await refuse(proxies[.source])
        case .refusedByTarget: try await refuse(proxies[.target])
        case .stalledSource: try await stall(proxies[.source])
        case .stalledTarget: try await stall(proxies[.target])
        case .endedWalsender: try await end(stream, .source)
        case .endedBackend: try await end(stream, .target)
        case .killedWalsender: try await killBackend(stream, .source)
        case .killedBackend: try await killBackend(stream, .target)
        case .restartedSource: try await stream.source.restart()
        case .restartedTarget: try await stream.target.restart()
        case .crashedSource: try await stream.source.restart(mode: .immediate)
        case .crashedTarget: try await stream.target.restart(mode: .immediate)
        }
    }

    private func refuse(_ proxy: TCPProxy) async throws {
        proxy.refuse()
        proxy.cut()
        try await Task.sleep(for: RecoveryFault.outage)
        try proxy.accept()
    }

    private func stall(_ proxy: TCPProxy) async throws {
        proxy.stall()
        try await Task.sleep(for: RecoveryFault.outage)
        proxy.resume()
        proxy.cut()
    }

    private func end(_ stream: StreamFixture, _ side: StreamProxies.Side) async throws {
        let server = side == .source ? stream.source : stream.target
        try await server.sql(
            """
            select pg_terminate_backend(pid) from pg_stat_activity
            where application_name = 'leat_\(stream.database)'
            """)
    }

    /// The server ends all sessions, and recovers.
    private func killBackend(_ stream: StreamFixture, _ side: StreamProxies.Side) async throws {
        let server = side == .source ? stream.source : stream.target
        let pid = try await server.scalar(
            """
            select pid from pg_stat_activity
            where application_name = 'leat_\(stream.database)' limit 1
            """)
        guard let pid = pid.flatMap({ pid_t($0) }) else { return }
        kill(pid, SIGKILL)
        try await server.waitUntil(sql: "select true")
    }
}
