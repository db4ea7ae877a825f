internal import LeatCore
internal import LeatFlow
internal import PGWire

/// One run of a stream: what `SyncRun` does, with both servers in memory.
struct SimulatedRun {
    let process: SimulatedProcess
    private var world: World { process.world }

    init(_ process: SimulatedProcess) {
        self.process = process
    }

    /// Where the stream begins.
    private struct Start {
        var position: LSN
        var confirmed: LSN
        var history: KnownHistory?
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
        process.confirmed = start.confirmed
        world.note("begins at \(start.position), confirmed \(start.confirmed)")
        return try await flow(at: start, from: source, to: target)
    }

    // MARK: The start

    private func begin(from source: SourceClient, on target: TargetClient) async throws -> Start {
        let state = try await target.ask { $0.state }
        let row = state.row
        let facts = try await facts(of: state, from: source)
        guard !world.isSabotaged(by: .startsUnseen) || row?.isCreating ?? true else {
            return Start(position: row?.position ?? .zero, confirmed: .zero)
        }
        switch try StartDecision(facts) {
        case .create: return try await create(from: source, on: target)
        case .recreate:
            try await source.ask { $0.dropSlot() }
            return try await create(from: source, on: target)
        case .adopt(let position): return Start(position: position, confirmed: position)
        case .resume(let position):
            let timeline = facts.timeline
            try await target.ask { server in
                server.commit(isSynchronous: true) { $0.row?.timeline = timeline }
            }
            let confirmed = facts.slot?.confirmedFlushLSN ?? position
            return Start(
                position: world.isSabotaged(by: .goesOnFromTheSlot) ? confirmed : position,
                confirmed: confirmed,
                history: world.isSabotaged(by: .skipsTheHistory)
                    ? nil : facts.history(leavesOutOrigins: false))
        }
    }

    private func facts(
        of state: TargetServer.State, from source: SourceClient
    ) async throws -> StartFacts {
        try await source.ask { server in
            process.lookForCause(state)
            let history = server.history
            return StartFacts(
                stored: state.row.map { row in
                    StartFacts.Stored(
                        isCreating: row.isCreating, endLSN: row.position, systemIdentifier: "7",
                        database: "app", timeline: row.timeline, slot: "leat_main", last: row.last)
                },
                slot: server.currentSlot().map { slot in
                    StartFacts.Slot(
                        plugin: "pgoutput", database: "app", isTemporary: false, isTwoPhase: false,
                        confirmedFlushLSN: slot.confirmed,
                        walStatus: slot.isLost ? "lost" : "reserved")
                },
                slotName: "leat_main", systemIdentifier: "7", database: "app",
                timeline: history.timeline, walEnd: history.flushed, branchPoint: history.branch,
                copiesTables: true)
        }
    }

    /// In the order of "What a crash leaves".
    private func create(from source: SourceClient, on target: TargetClient) async throws -> Start {
        let timeline = try await source.ask { $0.history.timeline }
        try await target.ask { server in
            server.commit(isSynchronous: true) { state in
                state.row = TargetServer.Row(
                    isCreating: true, position: .zero, timeline: timeline,
                    last: LastTransaction(commitLSN: .zero))
            }
        }
        let position = try await source.ask { $0.createSlot() }
        let copied = try await source.ask { server in
            server.history.followed.filter { $0.endLSN <= position }.map(\.number)
        }
        try await target.ask { server in
            server.commit(isSynchronous: true) { state in
                state.applied = copied
                state.row = TargetServer.Row(
                    isCreating: false, position: position, timeline: timeline,
                    last: LastTransaction(commitLSN: position))
            }
        }
        return Start(position: position, confirmed: position)
    }

    // MARK: The flow

    private func flow(
        at start: Start, from source: SourceClient, to target: TargetClient
    ) async throws -> Flow.Ending {
        let holdBack =
            world.isSabotaged(by: .forgetsToHoldBack)
            ? .zero : Duration.microseconds(world.schedule.holdBack)
        let positions = SharedPosition(
            PositionState(
                startingAt: start.position, confirmed: start.confirmed, holdBack: holdBack),
            clock: world.clock)
        let feed = SimulatedSource(
            source, positions: positions, at: start.position, knowing: start.history)
        try await feed.start(at: min(start.history?.start ?? start.position, start.position))
        let sink = SimulatedSink(target, at: start.position)
        let stop = process.stop
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

    /// - Parameter isEnd: What was received behind the end position was not to be stored.
    private func checkDrained(_ sink: SimulatedSink, from source: SimulatedSource, isEnd: Bool) {
        guard !source.client.session.isLost, !sink.client.session.isLost else { return }
        let (durable, position) = (
            world.target.durable.row?.position, world.target.state.row?.position
        )
        if durable != position {
            world.breaks(.stopDrains, what: "\(position ?? .zero) is not on the disk after a stop")
        }
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
