internal import AsyncAlgorithms
internal import LeatCore
public import PGWire

/// One flow of batches from a source to a sink, until a stop, the end position or an error.
///
///     source ─ batches ─► bounded channel ─► (transform) ─► sink
///        ▲                                                    │
///        └─────────────── status ◄── positions ◄──────────────┘
///
/// Five tasks: one takes batches from the source, one gives them to the sink, one applies those that
/// the sink has begun before their turn, one stores positions, one reports them to the source; a
/// clock for the last two, and those that the caller wants beside them. A stop ends the first; the rest ends in order behind it.
/// An error in any of them ends all.
///
/// Nothing here knows what source and sink are.
public struct Flow: Sendable {
    /// Why a flow has ended in order.
    public enum Ending: Sendable {
        /// The source has ended by itself or was stopped.
        case sourceEnded
        /// Everything up to the end position is stored.
        case endReached
    }

    /// Where batches come from.
    public let source: any BatchSource
    /// Who takes them.
    public let sink: any BatchSink
    /// What becomes of them on the way; nil: they are taken as they come.
    public let transform: (any BatchTransform)?
    /// How far everything is.
    public let positions: SharedPosition
    /// Where it ends by itself; it may be brought nearer while the flow runs.
    public let end: EndPosition
    /// How often the source hears of positions that stay the same.
    public let statusInterval: Duration
    /// What it shows of itself.
    public let status: JobStatus
    /// For whoever wants it to stand still at a place.
    public let holdPoint: HoldPoint

    /// A flow that has not begun.
    public init(
        source: any BatchSource, sink: any BatchSink, positions: SharedPosition, end: LSN?,
        statusInterval: Duration, status: JobStatus, transform: (any BatchTransform)? = nil
    ) {
        self.source = source
        self.sink = sink
        self.transform = transform
        self.positions = positions
        self.end = EndPosition(end)
        self.statusInterval = statusInterval
        self.status = status
        holdPoint = HoldPoint(ringing: positions.storing)
    }

    /// Ends the flow at a place, as if it had been begun with it: everything that ends at or before it
    /// is stored, and nothing behind it is applied. For a task beside the flow.
    ///
    /// - Throws: ``HoldPoint/Failure`` if the flow is beyond it, ends before it, or is held by
    ///   somebody; `CancellationError`.
    public func end(at place: LSN) async throws {
        try await holdPoint.hold(at: place) { end.bring(to: place) }
        positions.storing.ring()
    }

    private enum TaskEnd: Sendable {
        case received, applied, ticker, companion
    }

    /// Batches in the channel, in bytes: one of the largest that ``HandOver`` lets grow. The next
    /// is put together while the sink works on it, which takes longer.
    private static let lowWater = 1 << 20
    private static let highWater = 4 << 20
    /// How often its clock looks at what is due.
    public static let tick: Duration = .milliseconds(100)

    /// - Parameter companions: What runs beside the flow and ends with it.
    public func run(beside companions: [@Sendable () async throws -> Void] = []) async throws
        -> Ending
    {
        let tickers = FlowTickers(self)
        status.follow { [positions] in positions.stages }
        defer {
            holdPoint.end()
            status.follow(nil)
        }
        try await flow(with: tickers, beside: companions)
        let ending = try await finish(tickers)
        if ending == .sourceEnded, let reason = source.reasonToEnd { throw reason }
        return ending
    }

    private func flow(
        with tickers: FlowTickers, beside companions: [@Sendable () async throws -> Void]
    ) async throws {
        try await withThrowingTaskGroup(of: TaskEnd.self) { group in
            var parts = MultiProducerSingleConsumerAsyncChannel.makeChannel(
                of: Batch.self, throwing: Never.self,
                backpressureStrategy: .watermark(
                    low: Flow.lowWater, high: Flow.highWater,
                    waterLevelForElement: { $0.byteCount }))
            var channel = parts.takeChannel()
            var intake = Optional(parts.source)
            let turns = FlowTurns()
            group.addTask {
                var next = turns.next
                var goesOn = true
                while goesOn {
                    // Nothing is under way there: batches are taken where they will be applied.
                    let isBeside = next.isGiven
                    try await withTaskExecutorPreference(isBeside ? nil : sink.executor) {
                        // To leave the place and come back would wake a thread of the pool.
                        while goesOn, next.isGiven == isBeside {
                            if let batch = await channel.next() {
                                try await take(batch, next: &next, with: tickers)
                            } else {
                                goesOn = false
                            }
                        }
                    }
                }
                try await next.finish()
                return .applied
            }
            group.addTask {
                try await turns.run { begun in
                    try await done(begun.counts) { try await begun.batch.apply() }
                }
                return .companion
            }
            group.addTask(executorPreference: source.executor) {
                receiving: while true {
                    switch try await source.next() {
                    case .batch(let batch): try await intake?.send(batch)
                    case .nothing: break
                    case .ended: break receiving
                    }
                }
                intake.take()?.finish()
                return .received
            }
            group.addTask {
                try await tickers.storePositions()
                return .ticker
            }
            group.addTask {
                try await tickers.reportPositions()
                return .ticker
            }
            for companion in companions + [tickers.ringByTheClock] {
                group.addTask {
                    try await companion()
                    return .companion
                }
            }
            try await waitForEnd(of: &group, telling: tickers)
            group.cancelAll()
        }
    }

    /// Waits until everything received is applied and the tickers have come to rest. They are not
    /// cancelled: that would take the sessions along, which the last store still needs.
    private func waitForEnd(
        of group: inout ThrowingTaskGroup<TaskEnd, any Error>, telling tickers: FlowTickers
    ) async throws {
        var isApplied = false
        var tickersLeft = 2
        while !(isApplied && tickersLeft == 0), let end = try await group.next() {
            switch end {
            case .applied:
                isApplied = true
                tickers.finish()
            case .ticker:
                tickersLeft -= 1
            case .received, .companion:
                break
            }
        }
    }

    private func take(
        _ batch: Batch, next: inout FlowTurns.Next, with tickers: FlowTickers
    ) async throws {
        guard var rest = tickers.upToEnd(batch) else { return batchDone() }
        while let place = holdPoint.place, !rest.goesOnWithin {
            let count = rest.countEnding(upTo: place)
            guard count < rest.transactions.count else { break }
            try await next.wait()
            if count > 0 {
                let before = try await transformed(rest.prefix(count), next: &next)
                try await counting(BatchCounts(before)) { try await sink.apply(before) }
                rest = rest.suffix(from: count)
            }
            try await holdPoint.arrive(
                before: rest.transactions[0].commitLSN, position: positions.with { $0.position })
            // Whoever held it may have made it the end.
            guard let left = tickers.upToEnd(rest, isRest: true) else { return batchDone() }
            rest = left
        }
        try await pass(rest, next: &next)
    }

    private func pass(_ batch: Batch, next: inout FlowTurns.Next) async throws {
        let batch = try await transformed(batch, next: &next)
        let counts = BatchCounts(batch)
        if let begun = try await sink.begin(batch) {
            try await next.give(.init(batch: begun, counts: counts))
        } else {
            try await next.wait()
            try await done(counts) { try await sink.apply(batch) }
        }
    }

    private func transformed(
        _ batch: Batch, next: inout FlowTurns.Next
    ) async throws -> Batch {
        guard let transform else { return batch }
        var batch = batch
        do {
            try await transform.transform(&batch)
        } catch {
            // What came before is at work, and stays.
            try await next.wait()
            throw error
        }
        return batch
    }

    private func done(
        _ counts: BatchCounts, by apply: () async throws -> Applied
    ) async throws {
        defer { batchDone() }
        try await counting(counts, of: apply)
    }

    private func counting(
        _ counts: BatchCounts, of apply: () async throws -> Applied
    ) async throws {
        let began = ContinuousClock.now
        let applied = try await apply()
        if let end = applied.end {
            positions.committed(through: end, isDurable: applied.isDurable)
        }
        status.applied(applied, counts: counts, took: .now - began)
    }

    private func batchDone() {
        if positions.batchApplied() { source.sinkHasRoom() }
    }

    /// The intake has ended and all that was whole is committed: make it durable, confirm it.
    private func finish(_ tickers: FlowTickers) async throws -> Ending {
        status.update { $0.phase = .stopping }
        try await sink.rollBack()
        try await tickers.storeLast()
        return tickers.isEndReached ? .endReached : .sourceEnded
    }
}
