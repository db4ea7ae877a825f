import LeatCore
@testable import LeatFlow
import PGWire
import Synchronization
import Testing

private struct Refused: Error, Equatable {}

/// Marks each transaction, so that the sink can be seen to get what came of it.
private final class Marking: BatchTransform {
    private let seen = Mutex<[LSN]>([])
    private let refused: LSN?

    /// - Parameter refused: The end of a transaction that it refuses.
    init(refusing refused: LSN? = nil) {
        self.refused = refused
    }

    /// Ends of what it was given, in that order.
    var ends: [LSN] { seen.withLock { $0 } }

    func transform(_ batch: inout Batch) async throws {
        let ends = batch.transactions.map(\.endLSN)
        if let refused, ends.contains(refused) { throw Refused() }
        seen.withLock { $0 += ends }
        for index in batch.transactions.indices {
            batch.transactions[index].commitTime = PostgresTimestamp(rawValue: 77)
        }
    }
}

/// Keeps what it gets.
private final class Keeping: BatchSink {
    private let model: ModelSink
    private let kept = Mutex<[Transaction]>([])

    init(at position: LSN, _ manners: [ModelSink.Manner]) {
        model = ModelSink(at: position, manners)
    }

    var transactions: [Transaction] { kept.withLock { $0 } }
    var applied: [LSN] { model.applied }

    func begin(_ batch: Batch) async throws -> (any BegunBatch)? {
        guard let begun = try await model.begin(batch) else { return nil }
        kept.withLock { $0 += batch.transactions }
        return begun
    }

    func apply(_ batch: Batch) async throws -> Applied {
        kept.withLock { $0 += batch.transactions }
        return try await model.apply(batch)
    }

    func store(_ wanted: LSN) async throws -> LSN? { try await model.store(wanted) }
    func rollBack() async throws {}
}

@Suite("A transform between source and sink")
struct BatchTransformTests {
    private static let start: LSN = 100

    private func run(
        _ events: [ScriptedSource.Event], _ manners: [ModelSink.Manner] = [], end: LSN,
        with transform: Marking?, holdingAt place: LSN? = nil
    ) async throws -> Keeping {
        let positions = SharedPosition(
            PositionState(startingAt: Self.start, confirmed: Self.start))
        let sink = Keeping(at: Self.start, manners)
        let flow = Flow(
            source: ScriptedSource(events, positions), sink: sink, positions: positions, end: end,
            statusInterval: .milliseconds(50), status: JobStatus(), transform: transform)
        _ = try await flow.run(beside: [
            { if let place { try await flow.holdPoint.hold(at: place) {} } }
        ])
        return sink
    }

    @Test("the sink gets what has come of each batch, once, in order")
    func inOrder() async throws {
        let transform = Marking()
        let sink = try await run(
            [.batch([110, 120]), .batch([130]), .batch([140])],
            [.commits(isDurable: true), .begins, .slow(.milliseconds(5))], end: 140,
            with: transform)

        #expect(transform.ends == [110, 120, 130, 140])
        #expect(sink.applied == transform.ends)
        #expect(sink.transactions.count == 4)
        #expect(sink.transactions.allSatisfy { $0.commitTime.rawValue == 77 })
    }

    @Test("none: the sink gets the batches as they came")
    func none() async throws {
        let sink = try await run([.batch([110, 120])], end: 120, with: nil)

        #expect(sink.transactions.map(\.commitTime.rawValue) == [0, 0])
    }

    @Test("nothing behind the end is given to it, and a batch that is cut comes once all the same")
    func cut() async throws {
        let transform = Marking()
        _ = try await run(
            [.pause(.milliseconds(50)), .batch([110, 120, 130, 140])], end: 130, with: transform,
            holdingAt: 115)

        #expect(transform.ends == [110, 120, 130])
    }

    @Test("one that refuses ends the flow; what came before is applied, nothing else")
    func refused() async throws {
        let transform = Marking(refusing: 130)
        let positions = SharedPosition(
            PositionState(startingAt: Self.start, confirmed: Self.start))
        let sink = ModelSink(at: Self.start, [.begins])
        let source = ScriptedSource([.batch([110, 120]), .batch([130])], positions)
        let flow = Flow(
            source: source, sink: sink, positions: positions, end: nil,
            statusInterval: .milliseconds(50), status: JobStatus(), transform: transform)

        await #expect(throws: Refused.self) { try await flow.run() }

        #expect(sink.applied == [110, 120])
        #expect(source.reports.allSatisfy { $0.flushed <= 120 })
    }
}
