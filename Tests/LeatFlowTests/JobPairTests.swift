import LeatFlow
import Synchronization
import Testing

@Suite("Two jobs in one process")
struct JobPairTests {
    private struct Broken: Error {}

    /// Nobody waits by it.
    private struct HastyClock: JobClock {
        var now: ContinuousClock.Instant { .now }
        var minimumResolution: Duration { .nanoseconds(1) }
        func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {}
    }

    /// What happened, in order.
    private final class Notes: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    @Test("a stop ends the first, and then the second")
    func stopped() async throws {
        let (jobs, stop, notes) = (JobPair(), StopSignal(), Notes())
        stop.request()

        let ending: String? = try await jobs.run(
            until: stop,
            bringing: {
                await jobs.bringing.wait()
                notes.add("brought")
            },
            taking: {
                await jobs.taking.wait()
                notes.add("taken")
                return "stopped"
            }, waking: { notes.add("woken") })

        #expect(ending == "stopped")
        #expect(notes.all.filter { $0 != "woken" } == ["brought", "taken"])
        #expect(notes.all.contains("woken"))
    }

    @Test("a first job that takes its time does not keep the second from ending")
    func hasty() async throws {
        let (jobs, stop) = (JobPair(clock: HastyClock()), StopSignal())
        stop.request()

        let ending: String? = try await jobs.run(
            until: stop, bringing: { await jobs.taking.wait() },
            taking: {
                await jobs.taking.wait()
                return "stopped"
            }, waking: {})

        #expect(ending == "stopped")
    }

    @Test("the end of the second is that of the first")
    func ended() async throws {
        let (jobs, notes) = (JobPair(), Notes())

        let ending: String? = try await jobs.run(
            until: StopSignal(),
            bringing: {
                await jobs.bringing.wait()
                notes.add("brought")
            }, taking: { "reached" }, waking: { notes.add("woken") })

        #expect(ending == "reached")
        #expect(notes.all.contains("brought") && notes.all.contains("woken"))
    }

    @Test("what one of them throws ends both", arguments: [true, false])
    func broken(isFirst: Bool) async throws {
        let jobs = JobPair()
        @Sendable func job(throwing: Bool, until stop: StopSignal) async throws {
            if throwing { throw Broken() }
            await stop.wait()
        }

        await #expect(throws: Broken.self) {
            let _: String? = try await jobs.run(
                until: StopSignal(),
                bringing: { try await job(throwing: isFirst, until: jobs.bringing) },
                taking: {
                    try await job(throwing: !isFirst, until: jobs.taking)
                    return nil
                }, waking: {})
        }
    }
}
