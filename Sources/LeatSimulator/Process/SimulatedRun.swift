internal import LeatCore
internal import LeatFlow
internal import PGWire

/// One run of a stream: what `SyncRun` does, with both servers in memory.
struct SimulatedRun {
    let process: SimulatedProcess
    let stop: StopSignal
    /// Nil where nothing lies between source and target.
    let spool: SimulatedSpool?
    private var world: World { process.world }

    init(_ process: SimulatedProcess, stop: StopSignal, spool: SimulatedSpool? = nil) {
        self.process = process
        self.stop = stop
        self.spool = spool
    }

    func run(connected: () -> Void) async throws -> Flow.Ending {
        process.status.update { $0.phase = .starting }
        let target = try await TargetClient(process)
        defer { target.close() }
        let source = try await SourceClient(process)
        defer { source.close() }
        connected()
        try await target.lock()
        let start = try await begin(from: source, on: target)
        world.note("begins at \(start.position), confirmed \(start.confirmed)")
        guard let spool else { return try await flow(at: start, from: source, to: target) }
        source.close()
        return try await follow(spool, from: start, to: target)
    }

    // MARK: The start

    private func begin(
        from source: SourceClient, on target: TargetClient
    ) async throws -> SimulatedStart {
        let state = try await target.ask { $0.state }
        let row = state.row
        var facts = try await process.facts(of: state, from: source)
        guard !world.isSabotaged(by: .startsUnseen) || row?.isCreating ?? true || spool != nil
        else {
            return SimulatedStart(position: row?.position ?? .zero, confirmed: .zero)
        }
        var decision: SpoolDecision?
        if let spool {
            (decision, facts) = try spool.decide(by: facts, row: row)
        } else {
            try row?.mark?.checkUnneeded(facts)
        }
        switch try StartDecision(facts) {
        case .create: return try await create(by: decision, from: source, on: target)
        case .recreate:
            try await source.ask { $0.dropSlot() }
            return try await create(by: decision, from: source, on: target)
        case .adopt(let position): return SimulatedStart(position: position, confirmed: position)
        case .resume(let position):
            return try await resume(
                at: position, by: decision, given: facts, from: source, on: target)
        }
    }

    private func resume(
        at position: LSN, by decision: SpoolDecision?, given facts: StartFacts,
        from source: SourceClient, on target: TargetClient
    ) async throws -> SimulatedStart {
        let timeline = facts.timeline
        let confirmed = facts.slot?.confirmedFlushLSN ?? position
        spool?.expected = facts.stored?.last
        try await open(
            by: decision, at: confirmed, slotBeginning: facts.stored?.slotBeginning,
            timeline: timeline, from: source, on: target)
        try await target.ask { server in
            server.commit(isSynchronous: true) { $0.row?.timeline = timeline }
        }
        return SimulatedStart(
            position: world.isSabotaged(by: .goesOnFromTheSlot) ? confirmed : position,
            confirmed: spool?.registered ?? confirmed,
            history: world.isSabotaged(by: .skipsTheHistory)
                ? nil : facts.history(leavesOutOrigins: false))
    }

    private func open(
        by decision: SpoolDecision?, at confirmed: LSN, slotBeginning: LSN?, timeline: UInt32,
        from source: SourceClient, on target: TargetClient
    ) async throws {
        guard let spool, let decision else {
            guard world.schedule.job == .spool else { return }
            return try await SimulatedSpool(process).mark(nil, on: target)
        }
        try await spool.open(
            by: decision, at: confirmed, slotBeginning: slotBeginning, timeline: timeline,
            from: source, on: target)
    }

    /// In the order of "What a crash leaves".
    private func create(
        by decision: SpoolDecision?, from source: SourceClient, on target: TargetClient
    ) async throws -> SimulatedStart {
        let timeline = try await source.ask { $0.history.timeline }
        try await target.ask { server in
            server.commit(isSynchronous: true) { state in
                state.row = TargetServer.Row(
                    isCreating: true, position: .zero, timeline: timeline,
                    last: LastTransaction(commitLSN: .zero))
            }
        }
        let position = try await source.ask { $0.createSlot() }
        let copied = try await source.ask { $0.numbers(upTo: position) }
        try await target.ask { server in
            server.commit(isSynchronous: true) { state in
                state.applied = copied
                state.row = TargetServer.Row(
                    isCreating: false, position: position, timeline: timeline,
                    last: LastTransaction(commitLSN: position), slotBeginning: position)
            }
        }
        try await open(
            by: decision, at: position, slotBeginning: position, timeline: timeline,
            from: source, on: target)
        return SimulatedStart(position: position, confirmed: position)
    }

    // MARK: The flow

    private func flow(
        at start: SimulatedStart, from source: SourceClient, to target: TargetClient
    ) async throws -> Flow.Ending {
        let positions = positions(from: start)
        let feed = SimulatedSource(
            source, positions: positions, from: start, piecesAtOnce: world.schedule.piecesAtOnce
        ) { [world] in world.check(confirmed: $0) }
        try await feed.start(at: min(start.history?.start ?? start.position, start.position))
        let sink = SimulatedSink(target, at: start.position)
        let flow = Flow(
            source: feed, sink: sink, positions: positions, end: nil,
            statusInterval: world.schedule.statusInterval, status: process.status)
        process.status.update { $0.phase = .streaming }
        return try await stop.draining({ feed.stop() }) {
            let ending = try await flow.run(
                beside: world.schedule.holds ? [hold(flow, from: source, to: target)] : [])
            guard ending == .endReached || stop.isRequested else {
                throw Restart(reason: "the source ended the stream")
            }
            if ending == .endReached, let place = flow.end.lsn {
                world.note("has ended at \(place)")
                check(place, from: source, to: target)
            }
            checkDrained(sink, from: feed, isEnd: ending == .endReached)
            return ending
        }
    }

    private func positions(from start: SimulatedStart) -> SharedPosition {
        let holdBack =
            world.isSabotaged(by: .forgetsToHoldBack)
            ? .zero : Duration.microseconds(world.schedule.holdBack)
        return SharedPosition(
            PositionState(
                startingAt: start.position, confirmed: start.confirmed, holdBack: holdBack),
            clock: world.clock)
    }

    private func follow(
        _ spool: SimulatedSpool, from start: SimulatedStart, to target: TargetClient
    ) async throws -> Flow.Ending {
        try spool.checkReaches(start.position)
        let positions = positions(from: start)
        let feed = SimulatedArchiveSource(process, positions: positions, at: start.position)
        let sink = SimulatedSink(target, at: start.position, isSpooled: true)
        let flow = Flow(
            source: feed, sink: sink, positions: positions, end: nil,
            statusInterval: world.schedule.statusInterval, status: process.status)
        process.status.update { $0.phase = .streaming }
        return try await stop.draining({ feed.stop() }) {
            let ending = try await flow.run()
            guard stop.isRequested else { throw Restart(reason: "the spool ended the stream") }
            checkStored(sink)
            try await feed.register(positions.with { $0.status(at: world.clock.now).flushed })
            return ending
        }
    }

    private func checkStored(_ sink: SimulatedSink) {
        guard !sink.client.session.isLost, !process.isKilled else { return }
        let (durable, position) = (
            world.target.durable.row?.position, world.target.state.row?.position
        )
        if durable != position {
            world.breaks(.stopDrains, what: "\(position ?? .zero) is not on the disk after a stop")
        }
    }

    /// - Parameter isEnd: What was received behind the end position was not to be stored.
    private func checkDrained(_ sink: SimulatedSink, from source: SimulatedSource, isEnd: Bool) {
        guard !source.client.session.isLost, !sink.client.session.isLost else { return }
        checkStored(sink)
        let position = world.target.state.row?.position
        // Nothing is confirmed that the server has not named on this connection.
        let named = min(source.heard, position ?? .zero)
        if world.schedule.holdBack == 0, source.reported < named {
            world.breaks(
                .stopDrains, what: "\(source.reported) of \(named) is confirmed after a stop")
        }
        if !isEnd, let received = source.lastEnd, received > position ?? .zero {
            world.breaks(
                .stopDrains, what: "\(received) was received before a stop, and not stored")
        }
    }

    /// Has the flow stand still somewhere ahead, and looks at the target then.
    private func hold(
        _ flow: Flow, from source: SourceClient, to target: TargetClient
    ) -> @Sendable () async throws -> Void {
        { [world] in
            while true {
                try await world.thread.sleep(
                    SimulatedThread.Time(world.thread.number(below: 300_000)))
                let place = LSN(
                    rawValue: world.source.history.written.rawValue
                        + UInt64(world.thread.number(below: 200)) - 60)
                do {
                    if world.isSabotaged(by: .goesOnWhileHeld) {
                        try await look(at: place, from: source, to: target)
                    }
                    world.note("wants to hold at \(place)")
                    if world.thread.once(in: 8) {
                        try await flow.end(at: place)
                    }
                    try await flow.holdPoint.hold(at: place) {
                        world.note("holds at \(place)")
                        try await look(at: place, from: source, to: target)
                        world.note("lets go")
                    }
                } catch is HoldPoint.Failure {}
            }
        }
    }

    private func look(
        at place: LSN, from source: SourceClient, to target: TargetClient
    ) async throws {
        for _ in 0..<3 {
            check(place, from: source, to: target)
            try await world.thread.sleep(SimulatedThread.Time(world.thread.number(below: 40_000)))
        }
    }

    /// The target has what ends at or before the place, for good, and nothing behind it.
    private func check(_ place: LSN, from source: SourceClient, to target: TargetClient) {
        guard !source.session.isLost, !target.session.isLost else { return }
        let (durable, state) = (world.target.durable, world.target.state)
        let behind = state.applied.last.flatMap(world.source.transaction)
        if let behind, behind.endLSN > place {
            world.breaks(.holdsStill, what: "transaction \(behind.number) is behind \(place)")
        }
        let missing = world.source.history.followed.first {
            $0.endLSN <= place && $0.endLSN > durable.row?.position ?? .zero
        }
        if let missing {
            world.breaks(
                .holdsStill, what: "\(place) is held, transaction \(missing.number) is not stored")
        }
    }
}
