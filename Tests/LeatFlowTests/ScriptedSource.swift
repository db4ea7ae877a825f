import LeatCore
@testable import LeatFlow
import PGWire
import Synchronization

/// A source that sends what it is told to, as a slot does: from a position on, and nothing after an
/// end that it has not named.
final class ScriptedSource: BatchSource {
    enum Event: Sendable {
        /// Transactions that end at these places, in one batch.
        case batch([LSN])
        /// One whose commit record begins there.
        case transaction(commit: LSN, end: LSN)
        /// A transaction without anything for the sink.
        case empty(LSN)
        case keepalive(LSN)
        case pause(Duration)
        case failure(any Error)
    }

    private struct State {
        var events: ArraySlice<Event>
        var isStopped = false
        var reports: [PositionState.Status] = []
        var reason: (any Error)?
    }

    private let positions: SharedPosition
    private let state: Mutex<State>
    private let written: LSN?
    private let endsByItself: Bool
    /// Called with each report, before it is kept.
    private let heard: @Sendable (PositionState.Status) -> Void

    /// - Parameters:
    ///   - written: How far it says that it has written; nil: what it names needs no proof.
    ///   - endsByItself: After the last event; otherwise it waits for more.
    init(
        _ events: [Event], _ positions: SharedPosition, written: LSN? = nil,
        endsByItself: Bool = false, reason: (any Error)? = nil,
        heard: @escaping @Sendable (PositionState.Status) -> Void = { _ in }
    ) {
        self.positions = positions
        self.written = written
        self.endsByItself = endsByItself
        self.heard = heard
        state = Mutex(State(events: events[...], reason: reason))
    }

    /// All that it was told of what may be forgotten.
    var reports: [PositionState.Status] { state.withLock { $0.reports } }

    var reasonToEnd: (any Error)? { state.withLock { $0.reason } }

    func next() async throws -> Delivery {
        let (event, isStopped) = state.withLock { state in
            (state.isStopped ? nil : state.events.popFirst(), state.isStopped)
        }
        switch event {
        case nil where isStopped || endsByItself: return .ended
        case nil: try await Task.sleep(for: .milliseconds(1))
        case .batch(let ends):
            return deliver(ends.map { (LSN(rawValue: $0.rawValue - 1), $0) })
        case .transaction(let commit, let end): return deliver([(commit, end)])
        case .empty(let end): positions.hear { $0.emptyCommitReceived(end: end) }
        case .keepalive(let end): positions.hear { $0.keepaliveReceived(walEnd: end) }
        case .pause(let duration): try await Task.sleep(for: duration)
        case .failure(let error): throw error
        }
        return .nothing
    }

    private func deliver(_ transactions: [(commit: LSN, end: LSN)]) -> Delivery {
        var batch = Batch()
        for (commit, end) in transactions {
            positions.with { state in
                state.transactionBegan()
                state.commitReceived(end: end)
            }
            batch.transactions.append(
                Transaction(
                    xid: TransactionID(rawValue: UInt32(end.rawValue)),
                    commitLSN: commit, endLSN: end,
                    commitTime: PostgresTimestamp(rawValue: 0),
                    firstChange: 0))
        }
        positions.batchSent()
        return .batch(batch)
    }

    func stop() {
        state.withLock { $0.isStopped = true }
    }

    func writtenEnd() async throws -> LSN? { written }

    func sinkHasRoom() {}

    func report(_ status: PositionState.Status, asksForReply: Bool) async throws {
        heard(status)
        state.withLock { $0.reports.append(status) }
    }
}
