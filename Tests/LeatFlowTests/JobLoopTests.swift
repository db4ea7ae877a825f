import LeatCore
@testable import LeatFlow
import LeatTestSupport
import Logging
import PGWire
import Synchronization
import Testing

@Suite("The loop that begins a job again")
struct JobLoopTests {
    private struct Lost: Error {}
    private struct Final: Error {}

    private static let halt = Halt(.target, "It does not fit.")

    private func loop(_ stop: StopSignal = StopSignal()) -> JobLoop {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return JobLoop(status: JobStatus(), stop: stop, logger: logger) { error, wasConnected in
            switch error {
            case is Lost where wasConnected: .retry(.init(reason: "lost"))
            default: .halt(Self.halt)
            }
        }
    }

    @Test("what was in flight comes again, and nothing twice, whatever is lost", arguments: 0..<30)
    func restarts(_ number: Int) async throws {
        var random = SeededGenerator(seed: UInt64(number))
        let ends = (1...20).map { LSN(rawValue: 100 + UInt64($0) * 10) }
        let manners: [ModelSink.Manner] = (0..<200).map { _ in
            [
                .commits(isDurable: true), .commits(isDurable: false), .begins,
                .refuses(Lost()), .answerLost(Lost()),
            ].randomElement(using: &random) ?? .begins
        }
        let sink = ModelSink(at: 100, manners)
        let confirmed = Mutex<LSN>(100)

        let ending = try await loop().run { connected in
            connected()
            // As a server: what was confirmed is gone, what was not comes again.
            let (position, slot) = (sink.position, confirmed.withLock { $0 })
            #expect(slot <= position)
            let positions = SharedPosition(
                PositionState(startingAt: position, confirmed: slot))
            let source = ScriptedSource(
                ends.filter { $0 > position }.map { .batch([$0]) }, positions
            ) { status in
                #expect(status.flushed <= sink.durable)
                confirmed.withLock { $0 = max($0, status.flushed) }
            }
            return try await Flow(
                source: source, sink: sink, positions: positions, end: ends.last,
                statusInterval: .milliseconds(20), status: JobStatus()
            ).run()
        }

        #expect(ending == .endReached)
        #expect(sink.applied == ends)
    }

    @Test("what needs a person ends it at once, and so does what cannot be reached at first")
    func halts() async throws {
        let runs = Mutex(0)
        for error: any Error in [Final(), Lost()] {
            await #expect(throws: Self.halt) {
                try await loop().run { _ -> Int in
                    runs.withLock { $0 += 1 }
                    throw error
                }
            }
        }
        #expect(runs.withLock { $0 } == 2)
    }

    @Test("a stop while it waits to begin again ends it without an ending")
    func stoppedWhileWaiting() async throws {
        let stop = StopSignal()
        let runs = Mutex(0)

        let ending = try await loop(stop).run { connected -> Int in
            connected()
            if runs.withLock({ runs in
                runs += 1
                return runs
            }) == 3 {
                stop.request()
            }
            throw Lost()
        }

        #expect(ending == nil)
    }

    @Test("what is lost while it drains for a stop is not tried again")
    func lostWhileDraining() async throws {
        let stop = StopSignal()
        let runs = Mutex(0)
        let isDrained = Mutex(false)

        let ending = try await loop(stop).run { connected -> Int in
            connected()
            runs.withLock { $0 += 1 }
            return try await stop.draining({ isDrained.withLock { $0 = true } }) {
                stop.request()
                while !isDrained.withLock({ $0 }) { await Task.yield() }
                throw Lost()
            }
        }

        #expect(ending == nil && runs.withLock { $0 } == 1)
    }

    @Test("a stop while a stream flows lets it end by itself")
    func drained() async throws {
        let stop = StopSignal()
        let isDrained = Mutex(false)

        let ending = try await loop(stop).run { connected -> Int in
            connected()
            return try await stop.draining({ isDrained.withLock { $0 = true } }) {
                stop.request()
                while !isDrained.withLock({ $0 }) { await Task.yield() }
                return 7
            }
        }

        #expect(ending == 7)
    }
}
