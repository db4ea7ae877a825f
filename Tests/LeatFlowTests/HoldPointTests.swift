import LeatCore
@testable import LeatFlow
import LeatTestSupport
import PGWire
import Synchronization
import Testing

@Suite("A flow that stands still at a place")
struct HoldPointTests {
    private struct Lost: Error {}

    private struct Parts {
        let sink: ModelSink
        let source: ScriptedSource
        let flow: Flow
    }

    private func parts(
        _ events: [ScriptedSource.Event], _ manners: [ModelSink.Manner] = [], end: LSN? = nil
    ) -> Parts {
        let positions = SharedPosition(PositionState(startingAt: 100, confirmed: 100))
        let sink = ModelSink(at: 100, manners)
        let source = ScriptedSource(events, positions) { #expect($0.flushed <= sink.durable) }
        return Parts(
            sink: sink, source: source,
            flow: Flow(
                source: source, sink: sink, positions: positions, end: end,
                statusInterval: .milliseconds(20), status: JobStatus()))
    }

    /// Runs `body` beside the flow, which ends with it.
    private func run(
        _ parts: Parts, _ body: @escaping @Sendable (HoldPoint) async throws -> Void
    ) async throws {
        let ended = Mutex(false)
        _ = try await parts.flow.run(beside: [
            {
                try await body(parts.flow.holdPoint)
                ended.withLock { $0 = true }
                parts.source.stop()
                try await Task.sleep(for: .seconds(600))
            }
        ])
        #expect(ended.withLock { $0 })
    }

    @Test("what ends at or before it is stored, nothing behind it is, and then it goes on")
    func withinABatch() async throws {
        let parts = parts([.pause(.milliseconds(50)), .batch([110, 120, 130]), .batch([140])])

        try await run(parts) { holdPoint in
            try await holdPoint.hold(at: 125) {
                try await Task.sleep(for: .milliseconds(50))
                #expect(parts.sink.applied == [110, 120])
                #expect(parts.sink.durable == 125)
            }
        }

        #expect(parts.sink.applied == [110, 120, 130, 140])
        #expect(parts.source.reports.last?.flushed == 140)
    }

    @Test("where the end is in the same batch, all up to the end is applied behind it")
    func beforeTheEnd() async throws {
        let parts = parts(
            [.pause(.milliseconds(50)), .batch([110, 120, 130, 140])], end: 130)

        let ending = try await parts.flow.run(beside: [
            { try await parts.flow.holdPoint.hold(at: 115) {} }
        ])

        #expect(ending == .endReached)
        #expect(parts.sink.applied == [110, 120, 130])
    }

    @Test("where nothing comes behind it, it is held once the source has named it")
    func quiet() async throws {
        let parts = parts([.batch([110]), .pause(.milliseconds(30)), .keepalive(200)])

        try await run(parts) { holdPoint in
            try await holdPoint.hold(at: 150) {
                #expect(parts.sink.durable >= 150)
            }
        }

        #expect(parts.sink.applied == [110])
    }

    @Test(
        "the place may become the end: nothing behind it is applied",
        arguments: [125, 130, 145, 200])
    func becomesTheEnd(_ place: LSN) async throws {
        let ends: [LSN] = [110, 120, 130, 140]
        let parts = parts(
            [.pause(.milliseconds(30)), .batch([110, 120, 130]), .batch([140]), .keepalive(300)])
        let ending = try await parts.flow.run(beside: [{ try await parts.flow.end(at: place) }])
        #expect(ending == .endReached)
        #expect(parts.sink.applied == ends.filter { $0 <= place })
        // Further where nothing was between.
        #expect(parts.sink.durable >= place)
        #expect(parts.sink.durable < ends.first { $0 > place } ?? 301)
        #expect(parts.source.reports.last?.flushed == parts.sink.durable)
    }

    @Test("a place within a commit record is stored as where the record begins")
    func withinACommit() async throws {
        let parts = parts([.pause(.milliseconds(30)), .transaction(commit: 200, end: 260)])

        try await run(parts) { holdPoint in
            try await holdPoint.hold(at: 230) {
                // A server that is asked for more from 230 on leaves the transaction out.
                #expect(parts.sink.applied == [] && parts.sink.durable == 200)
            }
        }

        #expect(parts.sink.applied == [260])
    }

    @Test("a place within a commit record may become the end: what commits there comes next time")
    func endsWithinACommit() async throws {
        let parts = parts([.pause(.milliseconds(30)), .transaction(commit: 200, end: 260)])

        let ending = try await parts.flow.run(beside: [{ try await parts.flow.end(at: 230) }])

        #expect(ending == .endReached)
        #expect(parts.sink.applied == [] && parts.sink.durable == 200)
    }

    @Test("a place that was passed when it was named is refused, though more has come meanwhile")
    func passedMeanwhile() async throws {
        let holdPoint = HoldPoint(ringing: Bell())
        let held = Task { try await holdPoint.hold(at: 115) { Issue.record("held") } }
        while holdPoint.place == nil { await Task.yield() }

        // The task that takes batches comes before the one that stores positions.
        try await holdPoint.arrive(before: 125, position: 120)

        await #expect(throws: HoldPoint.Failure.passed(120)) { try await held.value }
    }

    @Test("a place that is passed, or taken by another, is refused, and nothing stands still")
    func refused() async throws {
        let parts = parts([.batch([110]), .batch([120])])

        try await run(parts) { holdPoint in
            while parts.sink.applied != [110, 120] { try await Task.sleep(for: .milliseconds(1)) }
            await #expect(throws: HoldPoint.Failure.passed(120)) {
                try await holdPoint.hold(at: 115) { Issue.record("held") }
            }
            try await holdPoint.hold(at: 120) {
                await #expect(throws: HoldPoint.Failure.taken) {
                    try await holdPoint.hold(at: 120) { Issue.record("held twice") }
                }
            }
        }

        await #expect(throws: HoldPoint.Failure.ended) {
            try await parts.flow.holdPoint.hold(at: 200) { Issue.record("held") }
        }
    }

    @Test("who waits for a place that never comes is told when the flow ends")
    func ended() async throws {
        let parts = parts([.batch([110])], end: 110)
        let waiting = Task { try await parts.flow.holdPoint.hold(at: 500) { Issue.record("held") } }

        #expect(try await parts.flow.run() == .endReached)

        await #expect(throws: HoldPoint.Failure.ended) { try await waiting.value }
    }

    @Test("a body that fails, or is cancelled, lets it go on")
    func released() async throws {
        let parts = parts([.pause(.milliseconds(20)), .batch([110]), .batch([120]), .batch([130])])

        try await run(parts) { holdPoint in
            await #expect(throws: Lost.self) {
                try await holdPoint.hold(at: 115) { throw Lost() }
            }
            let waiter = Task { try await holdPoint.hold(at: 1000) {} }
            try await Task.sleep(for: .milliseconds(20))
            waiter.cancel()
            await #expect(throws: CancellationError.self) { try await waiter.value }
        }

        #expect(parts.sink.applied == [110, 120, 130])
    }

    @Test("a stop while it stands still waits for the body, and then drains")
    func stopped() async throws {
        let parts = parts([.pause(.milliseconds(20)), .batch([110, 120])])

        try await run(parts) { holdPoint in
            try await holdPoint.hold(at: 110) {
                parts.source.stop()
                try await Task.sleep(for: .milliseconds(150))
                #expect(parts.sink.applied == [110])
            }
        }

        #expect(parts.sink.applied == [110, 120] && parts.sink.durable == 120)
    }

    @Test("a source that is lost while it stands still ends it at once")
    func lost() async throws {
        let parts = parts([
            .pause(.milliseconds(20)), .batch([110, 120]), .pause(.milliseconds(50)),
            .failure(Lost()),
        ])

        await #expect(throws: Lost.self) {
            try await parts.flow.run(beside: [
                {
                    try await parts.flow.holdPoint.hold(at: 110) {
                        try await Task.sleep(for: .seconds(600))
                    }
                }
            ])
        }

        #expect(parts.sink.applied == [110] && parts.sink.durable == 110)
    }

    @Test(
        "at any places, in any order of what comes, it holds just what is before", arguments: 0..<60
    )
    func random(_ number: Int) async throws {
        var random = SeededGenerator(seed: UInt64(number))
        var place: UInt64 = 100
        var (ends, events, manners): ([LSN], [ScriptedSource.Event], [ModelSink.Manner]) =
            ([], [.pause(.milliseconds(5))], [])
        for _ in 0..<30 {
            place += .random(in: 1...9, using: &random)
            let batch = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                place += .random(in: 1...9, using: &random)
                return LSN(rawValue: place)
            }
            ends += batch
            events.append(
                Bool.random(using: &random)
                    ? .pause(.microseconds(.random(in: 1...2000, using: &random)))
                    : .keepalive(LSN(rawValue: batch[0].rawValue - 1)))
            events.append(.batch(batch))
            manners.append(
                [
                    .commits(isDurable: true), .commits(isDurable: false), .begins,
                    .slow(.microseconds(.random(in: 1...2000, using: &random))),
                ].randomElement(using: &random) ?? .begins)
        }
        let last = LSN(rawValue: place + 1)
        let places = (0..<8).map { _ in LSN(rawValue: .random(in: 101...place, using: &random)) }
            .sorted()
        let parts = parts(events + [.keepalive(last)], manners)

        try await run(parts) { [ends] holdPoint in
            for place in places {
                do {
                    try await holdPoint.hold(at: place) {
                        await Task.yield()
                        #expect(parts.sink.applied == ends.filter { $0 <= place })
                        #expect(parts.sink.durable >= place)
                    }
                } catch HoldPoint.Failure.passed(let position) {
                    #expect(position > place)
                }
            }
            try await holdPoint.hold(at: last) {}
        }

        #expect(parts.sink.applied == ends && parts.sink.durable == last)
    }
}
