import LeatCore
@testable import LeatFlow
import PGWire
import Synchronization

/// A sink that keeps the ends of the transactions it was given, knows what of that a crash would
/// leave, and misbehaves as it is told to.
final class ModelSink: BatchSink {
    /// What it does with a batch.
    enum Manner: Sendable {
        case commits(isDurable: Bool)
        /// Begins it before its turn.
        case begins
        /// Takes as long.
        case slow(Duration)
        /// Refuses it: nothing of it is kept.
        case refuses(any Error)
        /// Commits it, and its answer is lost.
        case answerLost(any Error)
    }

    private struct State {
        var applied: [LSN] = []
        var durable: LSN
        var manners: ArraySlice<Manner>
        var begun = 0
    }

    private let state: Mutex<State>

    init(at position: LSN, _ manners: [Manner] = []) {
        state = Mutex(State(durable: position, manners: manners[...]))
    }

    /// Ends of what was committed, in that order.
    var applied: [LSN] { state.withLock { $0.applied } }
    /// What a crash would leave.
    var durable: LSN { state.withLock { $0.durable } }
    /// Where a run that begins now would start: crashes of the process lose nothing here.
    var position: LSN { state.withLock { max($0.durable, $0.applied.last ?? .zero) } }
    var begunBatches: Int { state.withLock { $0.begun } }

    private func nextManner() -> Manner {
        state.withLock { $0.manners.popFirst() } ?? .commits(isDurable: false)
    }

    func begin(_ batch: Batch) async throws -> (any BegunBatch)? {
        let begins = state.withLock { state in
            guard case .begins = state.manners.first else { return false }
            state.manners.removeFirst()
            state.begun += 1
            return true
        }
        return begins ? Begun(sink: self, batch: batch) : nil
    }

    private struct Begun: BegunBatch {
        let sink: ModelSink
        let batch: Batch

        func apply() async throws -> Applied {
            await Task.yield()
            return sink.commit(batch, isDurable: false)
        }
    }

    func apply(_ batch: Batch) async throws -> Applied {
        switch nextManner() {
        case .begins:
            // It was not asked to: the batch is a part of one.
            return commit(batch, isDurable: false)
        case .commits(let isDurable):
            return commit(batch, isDurable: isDurable)
        case .slow(let duration):
            try await Task.sleep(for: duration)
            return commit(batch, isDurable: false)
        case .refuses(let error):
            throw error
        case .answerLost(let error):
            _ = commit(batch, isDurable: false)
            throw error
        }
    }

    private func commit(_ batch: Batch, isDurable: Bool) -> Applied {
        state.withLock { state in
            state.applied += batch.transactions.map(\.endLSN)
            let end = state.applied.last
            if isDurable { state.durable = max(state.durable, end ?? .zero) }
            return Applied(
                end: end, isDurable: isDurable, transactions: batch.transactions.count)
        }
    }

    func store(_ wanted: LSN) async throws -> LSN? {
        state.withLock { state in
            state.durable = max(wanted, state.applied.last ?? .zero, state.durable)
            return state.durable
        }
    }

    func rollBack() async throws {}
}
