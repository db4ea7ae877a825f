import LeatCore
@testable import LeatFlow
import LeatTestSupport
import PGWire
import Synchronization
import Testing

private struct Lost: Error, Equatable {}

@Suite("A flow from a source to a sink")
struct FlowTests {
    private static let start: LSN = 100

    private struct Parts {
        let positions: SharedPosition
        let sink: ModelSink
        let source: ScriptedSource
        let flow: Flow
    }

    /// - Parameter end: Of the flow.
    private func parts(
        _ events: [ScriptedSource.Event], _ manners: [ModelSink.Manner] = [], end: LSN? = nil,
        written: LSN? = nil, endsByItself: Bool = false, reason: (any Error)? = nil,
        statusInterval: Duration = .milliseconds(50)
    ) -> Parts {
        let positions = SharedPosition(
            PositionState(startingAt: Self.start, confirmed: Self.start))
        let sink = ModelSink(at: Self.start, manners)
        let source = ScriptedSource(
            events, positions, written: written, endsByItself: endsByItself, reason: reason
        ) { status in
            // The server forgets what is confirmed.
            #expect(status.flushed <= sink.durable)
        }
        return Parts(
            positions: positions, sink: sink, source: source,
            flow: Flow(
                source: source, sink: sink, positions: positions, end: end,
                statusInterval: statusInterval, status: JobStatus()))
    }

    @Test("each transaction comes once, in order, and is confirmed when it is durable")
    func inOrder() async throws {
        let parts = parts(
            [.batch([110, 120]), .empty(125), .batch([130]), .keepalive(140)], end: 140)

        #expect(try await parts.flow.run() == .endReached)

        #expect(parts.sink.applied == [110, 120, 130])
        #expect(parts.sink.durable == 140)
        #expect(parts.source.reports.last?.flushed == 140)
    }

    @Test("nothing beyond the end position is applied, nothing before it is missing")
    func endWithinABatch() async throws {
        let parts = parts([.batch([110, 120, 130]), .batch([140])], end: 120)

        #expect(try await parts.flow.run() == .endReached)

        #expect(parts.sink.applied == [110, 120])
        #expect(parts.source.reports.last?.flushed == 120)
    }

    @Test("what was received before a stop is applied, stored and confirmed")
    func stopped() async throws {
        let parts = parts([.batch([110]), .batch([120])], [.slow(.milliseconds(100))])
        let ending = try await parts.flow.run(beside: [
            {
                while parts.positions.isDrained { try await Task.sleep(for: .milliseconds(1)) }
                parts.source.stop()
                try await Task.sleep(for: .seconds(600))
            }
        ])

        #expect(ending == .sourceEnded)
        #expect(parts.sink.applied.first == 110)
        #expect(parts.sink.durable == parts.sink.applied.last)
        #expect(parts.source.reports.last?.flushed == parts.sink.durable)
    }

    @Test("a sink that refuses ends it, and nothing behind is applied or confirmed")
    func refused() async throws {
        let parts = parts(
            [.batch([110]), .batch([120]), .batch([130])],
            [.commits(isDurable: false), .refuses(Lost())])

        await #expect(throws: Lost.self) { try await parts.flow.run() }

        #expect(parts.sink.applied == [110])
        #expect(parts.source.reports.allSatisfy { $0.flushed <= 110 })
    }

    @Test("an answer that is lost confirms nothing")
    func answerLost() async throws {
        let parts = parts([.batch([110])], [.answerLost(Lost())])

        await #expect(throws: Lost.self) { try await parts.flow.run() }

        #expect(parts.sink.applied == [110])
        #expect(parts.source.reports.allSatisfy { $0.flushed == Self.start })
    }

    @Test("a source that fails ends it; what its reason is comes behind what it had delivered")
    func sourceFails() async throws {
        let failing = parts([.batch([110]), .failure(Lost())])
        await #expect(throws: Lost.self) { try await failing.flow.run() }

        let ending = parts([.batch([110])], endsByItself: true, reason: Lost())
        await #expect(throws: Lost.self) { try await ending.flow.run() }
        #expect(ending.sink.durable == 110 && ending.source.reports.last?.flushed == 110)
    }

    @Test("while the sink is busy the source is told how far it is, and nothing more is confirmed")
    func busy() async throws {
        let parts = parts(
            [.batch([110]), .keepalive(115), .batch([120])],
            [.commits(isDurable: true), .slow(.milliseconds(600))], end: 120,
            statusInterval: .milliseconds(20))

        #expect(try await parts.flow.run() == .endReached)

        let before = parts.source.reports.prefix { $0.flushed < 120 }
        #expect(before.count >= 5)
        #expect(before.allSatisfy { $0.flushed <= 110 })
    }

    @Test("a quiet source's end is stored, so that it need not keep what was before")
    func quiet() async throws {
        let parts = parts([.keepalive(500)], end: 500)

        #expect(try await parts.flow.run() == .endReached)

        #expect(parts.sink.durable == 500 && parts.sink.applied == [])
    }

    @Test("an end that the source does not have is not stored")
    func falseEnd() async throws {
        let parts = parts([.keepalive(500)], end: 500, written: 400)

        await #expect(throws: StreamError.self) { try await parts.flow.run() }

        #expect(parts.sink.durable == Self.start)
    }

    @Test("batches that are begun before their turn keep their place")
    func begun() async throws {
        let ends = (1...60).map { LSN(rawValue: 100 + UInt64($0)) }
        let manners: [ModelSink.Manner] = ends.indices.map { index in
            index % 3 == 0 ? .commits(isDurable: index % 2 == 0) : .begins
        }
        let parts = parts(ends.map { .batch([$0]) }, manners, end: ends.last)

        #expect(try await parts.flow.run() == .endReached)

        #expect(parts.sink.applied == ends)
        #expect(parts.sink.begunBatches == 40)
    }

    @Test("in any order of what comes, each transaction comes once and in order", arguments: 0..<60)
    func randomOrders(_ number: Int) async throws {
        var random = SeededGenerator(seed: UInt64(number))
        var place: UInt64 = 100
        var (ends, events, manners): ([LSN], [ScriptedSource.Event], [ModelSink.Manner]) =
            ([], [], [])
        func next() -> LSN {
            place += .random(in: 1...20, using: &random)
            return LSN(rawValue: place)
        }
        for _ in 0..<Int.random(in: 1...40, using: &random) {
            switch Int.random(in: 0..<6, using: &random) {
            case 0: events.append(.empty(next()))
            case 1: events.append(.keepalive(next()))
            case 2: events.append(.pause(.microseconds(.random(in: 1...3000, using: &random))))
            default:
                let batch = (0..<Int.random(in: 1...4, using: &random)).map { _ in next() }
                ends += batch
                events.append(.batch(batch))
                manners.append(
                    [
                        .commits(isDurable: true), .commits(isDurable: false), .begins,
                        .slow(.microseconds(.random(in: 1...3000, using: &random))),
                    ].randomElement(using: &random) ?? .begins)
            }
        }
        let end = next()
        let parts = parts(events + [.keepalive(end)], manners, end: end)

        #expect(try await parts.flow.run() == .endReached)

        #expect(parts.sink.applied == ends)
        #expect(parts.sink.durable == end)
        #expect(parts.source.reports.last?.flushed == end)
    }
}
