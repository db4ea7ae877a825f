internal import LeatCore
internal import PGWire
internal import Synchronization

/// What happens by the clock while a ``Flow`` goes on: positions are stored durably and reported.
///
/// The two do not wait for each other: reports go out while the sink is blocked.
final class FlowTickers: Sendable {
    private let source: any BatchSource
    private let sink: any BatchSink
    private let positions: SharedPosition
    private let end: LSN?
    private let statusInterval: Duration
    private let status: SyncStatus
    private let reachedEnd = Atomic<Bool>(false)
    private let isFinishing = Atomic<Bool>(false)

    /// While busy, one commit a second waits for the disk, unless all gets there by itself.
    private static let busyInterval: Duration = .seconds(1)

    init(_ flow: Flow) {
        source = flow.source
        sink = flow.sink
        positions = flow.positions
        end = flow.end
        statusInterval = flow.statusInterval
        status = flow.status
    }

    var isEndReached: Bool { reachedEnd.load(ordering: .acquiring) }

    /// Both tickers end at their next tick.
    func finish() {
        isFinishing.store(true, ordering: .releasing)
    }

    private var goesOn: Bool { !isFinishing.load(ordering: .acquiring) }

    // MARK: Storing

    /// Stores what is due: at the end of a drain, once a second while busy, and on the status
    /// tick, or when the server asks, the end of an idle stream.
    func storePositions() async throws {
        var lastStore = ContinuousClock.now
        var lastIdleStore = ContinuousClock.now
        while goesOn {
            try await Task.sleep(for: Flow.tick)
            let now = ContinuousClock.now
            let isIdleTick =
                now - lastIdleStore >= statusInterval || isEndHeard || isAsked(now, lastIdleStore)
            let seen = try await lookForDurable()
            if seen == .progress { lastStore = now }
            let isDrainTick =
                seen == .nothing && positions.isDrained
                || now - lastStore >= FlowTickers.busyInterval
            guard isIdleTick || isDrainTick else {
                if try checkEnd() { return }
                continue
            }
            if isIdleTick { lastIdleStore = now }
            // What cannot be stored now is, as a rule, with the next batch.
            try await store { isIdleTick ? $0.dueAtTick : $0.dueAtDrain }
            lastStore = now
            if try checkEnd() { return }
        }
    }

    /// A server that wants to stop waits for us to confirm everything it has named.
    private func isAsked(
        _ now: ContinuousClock.Instant, _ last: ContinuousClock.Instant
    ) -> Bool {
        positions.isReplyWanted && now - last >= FlowTickers.busyInterval
    }

    private func store(_ due: (PositionState) -> LSN?) async throws {
        let (wanted, position) = positions.with { (due($0), $0.position) }
        guard let wanted else { return }
        let limited = end.map { min(wanted, max($0, position)) } ?? wanted
        guard let stored = try await sink.store(limited) else { return }
        positions.with { $0.committed(through: stored, isDurable: true, at: .now) }
        status.update { $0.position = max($0.position, stored) }
        FailPoint.storedNotConfirmed.reached()
    }

    private enum Look {
        /// Nothing is due, or nothing can be seen.
        case nothing
        /// More is durable than before.
        case progress
        case noProgress
    }

    /// Notes what the sink's disk has taken in without being asked.
    private func lookForDurable() async throws -> Look {
        let before = positions.with { $0.dueAtDrain == nil ? nil : $0.durable }
        guard let before, let durable = try await sink.durable() else { return .nothing }
        guard durable > before else { return .noProgress }
        positions.with { $0.committed(through: durable, isDurable: true, at: .now) }
        FailPoint.storedNotConfirmed.reached()
        return .progress
    }

    /// The last act of a stream: everything that is committed becomes durable and is confirmed.
    func storeLast() async throws {
        try await store { $0.dueAtTick }
        try await sendStatus()
    }

    // MARK: The end position

    private var isEndHeard: Bool {
        guard let end else { return false }
        return positions.with { $0.isIdle && $0.heard >= end && $0.position < end }
    }

    private func checkEnd() throws -> Bool {
        guard let end, positions.with({ $0.isIdle && $0.position >= end }) else { return false }
        reachedEnd.store(true, ordering: .releasing)
        source.stop()
        return true
    }

    /// The part of a batch that ends at or before the end position; nil if nothing does.
    func upToEnd(_ batch: Batch) -> Batch? {
        guard let end, !isEndReached else { return isEndReached ? nil : batch }
        // The end of a transaction that is not whole yet is beyond its commit record's start.
        let within = batch.transactions.prefix { transaction in
            transaction.isComplete ? transaction.endLSN <= end : transaction.commitLSN < end
        }
        guard within.count < batch.transactions.count else { return batch }
        reachedEnd.store(true, ordering: .releasing)
        source.stop()
        return within.isEmpty ? nil : batch.prefix(within.count)
    }

    // MARK: Reporting

    /// Sends status updates: at the interval, when something new is durable, and when the server
    /// asks; at most one per tick.
    func reportPositions() async throws {
        var lastReport = ContinuousClock.now - statusInterval
        var lastFlushed = LSN.zero
        while goesOn {
            let now = ContinuousClock.now
            let flushed = positions.with { $0.status(at: now).flushed }
            if positions.takeReplyWanted() || flushed != lastFlushed
                || now - lastReport >= statusInterval
            {
                lastFlushed = flushed
                lastReport = now
                try await sendStatus()
            }
            try await Task.sleep(for: Flow.tick)
        }
    }

    private func sendStatus() async throws {
        try await source.report(
            positions.with { $0.status(at: .now) }, asksForReply: positions.takeReplyNeeded())
    }
}
