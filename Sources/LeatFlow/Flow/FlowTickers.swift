internal import LeatCore
internal import PGWire
internal import Synchronization

/// What happens by itself while a ``Flow`` goes on: positions are stored durably and reported, when
/// something has come that may be due, and by the clock.
///
/// The two do not wait for each other: reports go out while the sink is blocked.
final class FlowTickers: Sendable {
    private let source: any BatchSource
    private let sink: any BatchSink
    private let positions: SharedPosition
    private let wantedEnd: EndPosition
    private let statusInterval: Duration
    private let holdPoint: HoldPoint
    private let status: JobStatus
    private let clock: any JobClock
    private let reachedEnd = Atomic<Bool>(false)
    private let isFinishing = Atomic<Bool>(false)

    /// While busy, one commit a second waits for the disk, unless all gets there by itself.
    private static let busyInterval: Duration = .seconds(1)

    init(_ flow: Flow) {
        source = flow.source
        sink = flow.sink
        positions = flow.positions
        wantedEnd = flow.end
        statusInterval = flow.statusInterval
        holdPoint = flow.holdPoint
        status = flow.status
        clock = flow.positions.clock
    }

    private var end: LSN? { wantedEnd.lsn }

    var isEndReached: Bool { reachedEnd.load(ordering: .acquiring) }

    /// Both tickers end.
    func finish() {
        isFinishing.store(true, ordering: .releasing)
        ring()
    }

    private var goesOn: Bool { !isFinishing.load(ordering: .acquiring) }

    private func ring() {
        positions.storing.ring()
        positions.reporting.ring()
    }

    /// For a task of its own, until it is cancelled.
    @Sendable func ringByTheClock() async throws {
        while true {
            try await clock.sleep(for: Flow.tick)
            ring()
        }
    }

    // MARK: Storing

    /// When what was last done.
    private struct Last {
        var store: ContinuousClock.Instant
        var idleStore: ContinuousClock.Instant
        var tick: ContinuousClock.Instant
        var pace: StorePace

        init(_ now: ContinuousClock.Instant) {
            (store, idleStore, tick) = (now, now, now)
            pace = StorePace(at: now)
        }
    }

    /// Stores what is due: at the end of a drain, once a second while busy, and the end of an idle
    /// stream at once, at the ``StorePace``.
    func storePositions() async throws {
        var last = Last(clock.now)
        while goesOn {
            try await positions.storing.wait()
            try await storeHeld()
            let now = clock.now
            if isIdleStoreDue(at: now, since: last) {
                last.idleStore = now
                last.store = now
                last.pace.stored(at: now)
                try await store { $0.dueAtTick }
            } else if now - last.tick >= Flow.tick {
                last.tick = now
                try await drainTick(at: now, last: &last)
            }
            if try checkEnd() { return }
        }
    }

    private func isIdleStoreDue(at now: ContinuousClock.Instant, since last: Last) -> Bool {
        if now - last.idleStore >= statusInterval || isEndHeard { return true }
        if positions.isAwaited { return positions.with { $0.dueAtTick != nil } }
        // A server that wants to stop waits for us to confirm everything it has named.
        if now - last.idleStore >= Flow.tick, positions.takeStoreWanted() { return true }
        return last.pace.allows(at: now) && positions.with { $0.dueWhenQuiet != nil }
    }

    /// Stores the place where somebody wants the flow to stand still, once it has come there.
    private func storeHeld() async throws {
        let (position, idleEnd) = positions.with {
            ($0.position, $0.isIdle ? max($0.heard, $0.position) : nil)
        }
        guard let place = holdPoint.due(position: position, idleEnd: idleEnd) else { return }
        try await store { _ in place }
        if positions.with({ $0.durable >= place }) { holdPoint.stored(place) }
    }

    private func drainTick(at now: ContinuousClock.Instant, last: inout Last) async throws {
        let seen = try await lookForDurable()
        if seen == .progress { last.store = now }
        let isDue =
            seen == .nothing && positions.isDrained
            || now - last.store >= FlowTickers.busyInterval
        guard isDue else { return }
        // What cannot be stored now is, as a rule, with the next batch.
        try await store { $0.dueAtDrain }
        last.store = now
    }

    private func store(_ due: (PositionState) -> LSN?) async throws {
        let (wanted, position) = positions.with { (due($0), $0.position) }
        guard let wanted else { return }
        let limited = end.map { min(wanted, max($0, position)) } ?? wanted
        if limited > position { try await prove(limited) }
        guard let stored = try await sink.store(limited) else { return }
        FailPoint.storedNotConfirmed.reached()
        positions.committed(through: stored, isDurable: true)
        status.update { $0.position = max($0.position, stored) }
    }

    /// What the sink has not committed was only heard of: see ``SourceBound``.
    private func prove(_ end: LSN) async throws {
        guard end > positions.sourceEnd, let written = try await source.writtenEnd() else { return }
        positions.sourceEndRead(written)
        guard end <= written else {
            throw StreamError(.beyondEnd(end, written: written), at: end)
        }
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
        FailPoint.storedNotConfirmed.reached()
        positions.committed(through: durable, isDurable: true)
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
    ///
    /// - Parameter isRest: What is left of one that was looked at before: that it was cut at the end is
    ///   no reason to drop what is before that.
    func upToEnd(_ batch: Batch, isRest: Bool = false) -> Batch? {
        guard isRest || !isEndReached else { return nil }
        guard let end else { return batch }
        let within = batch.countEnding(upTo: end)
        guard within < batch.transactions.count else { return batch }
        reachedEnd.store(true, ordering: .releasing)
        source.stop()
        return within == 0 ? nil : batch.prefix(within)
    }

    // MARK: Reporting

    /// Sends status updates: at the interval, as soon as something new may be confirmed, and when
    /// the server asks. A server that is stopping asks again after each answer, hence at most one
    /// of these a tick.
    func reportPositions() async throws {
        var lastReport = clock.now - statusInterval
        var lastQuestion = clock.now - FlowTickers.busyInterval
        var lastFlushed = LSN.zero
        while goesOn {
            let now = clock.now
            if isEndAwaited, now - lastQuestion >= FlowTickers.busyInterval {
                lastQuestion = now
                positions.askForReply()
            }
            let flushed = positions.with { $0.status(at: now).flushed }
            let mayAnswer = now - lastReport >= Flow.tick
            if flushed != lastFlushed || mayAnswer && positions.takeReplyWanted()
                || now - lastReport >= statusInterval
            {
                lastFlushed = flushed
                lastReport = now
                try await sendStatus()
            }
            try await positions.reporting.wait()
        }
    }

    /// A server tells of its end before it sleeps, unless it thinks that it has.
    private var isEndAwaited: Bool {
        guard let end else { return false }
        return positions.with { $0.isIdle && $0.heard < end }
    }

    private func sendStatus() async throws {
        try await source.report(
            positions.with { $0.status(at: clock.now) }, asksForReply: positions.takeReplyNeeded())
    }
}
