internal import LeatCore
internal import LeatFlow
internal import PGWire

/// One run of a recording: what `RecordRun` does, with the server and the disk in memory.
struct SimulatedRecording {
    let process: SimulatedProcess
    /// Nil where the archive is one by itself.
    var spool: SimulatedSpool?
    let stop: StopSignal
    let status: JobStatus

    private var world: World { process.world }
    private var disk: ArchiveDisk { world.disk }

    func run(connected: () -> Void) async throws -> Flow.Ending {
        status.update { $0.phase = .starting }
        let source = try await SourceClient(process)
        defer { source.close() }
        connected()
        let start = try await begin(source)
        world.note("records from \(start.position), confirmed \(start.confirmed)")
        return try await flow(from: start, source)
    }

    // MARK: The start

    private func begin(_ source: SourceClient) async throws -> SimulatedStart {
        try process.check()
        let state = disk.state
        let facts = try await process.facts(of: state, from: source, isArchive: true)
        try spool?.waitForTarget(if: facts)
        switch try StartDecision(facts) {
        case .create: return try await create(source)
        case .recreate:
            try await source.ask { $0.dropSlot() }
            return try await create(source)
        case .adopt(let position): return SimulatedStart(position: position, confirmed: position)
        case .resume(let position):
            try await recover()
            let timeline = facts.timeline
            if timeline != state.row?.timeline {
                try await replace { $0.stream?.timeline = timeline }
            }
            return SimulatedStart(
                position: position, confirmed: facts.slot?.confirmedFlushLSN ?? position,
                history: world.isSabotaged(by: .skipsTheHistory) ? nil : history(facts))
        }
    }

    /// As `RecordPreparation` chooses it.
    private func history(_ facts: StartFacts) -> KnownHistory? {
        let own = facts.history(leavesOutOrigins: false)
        let target = spool?.expected.flatMap { facts.history(of: $0, leavesOutOrigins: false) }
        return facts.stored?.last?.identity == nil ? target ?? own : own ?? target
    }

    /// As `ArchiveRecovery` does it.
    private func recover() async throws {
        try await process.travel()
        if disk.frames.count < disk.files.position?.frames ?? 0 {
            world.breaks(.confirmedIsStored, what: "the archive ends before its position")
        }
        disk.recover()
        guard !world.isSabotaged(by: .trustsWhatWasRenamed) else { return }
        disk.synchroniseFolder()
    }

    private func replace(_ change: @escaping (inout ArchiveDisk.Files) -> Void) async throws {
        try await process.travel()
        disk.replace(change)
        try await process.travel()
        disk.synchroniseFolder()
    }

    /// In the order of `RecordPreparation`.
    private func create(_ source: SourceClient) async throws -> SimulatedStart {
        let timeline = try await source.ask { $0.history.timeline }
        let archive = disk.nextArchive()
        try await replace {
            $0.stream = .init(isCreating: true, archive: archive, timeline: timeline)
        }
        let point = try await source.ask { $0.createSlot() }
        let before = try await source.ask { $0.numbers(upTo: point) }
        try await process.travel()
        disk.begin(at: point, after: before)
        try await replace { _ in }
        try await replace { files in
            files.stream?.slotBeginning = point
            files.stream?.isCreating = false
        }
        return SimulatedStart(position: point, confirmed: point)
    }

    // MARK: The flow

    private func flow(
        from start: SimulatedStart, _ source: SourceClient
    ) async throws -> Flow.Ending {
        let holdBack =
            spool != nil || world.isSabotaged(by: .forgetsToHoldBack)
            ? .zero : Duration.microseconds(world.schedule.holdBack)
        let positions = SharedPosition(
            PositionState(
                startingAt: start.position, confirmed: start.confirmed, holdBack: holdBack),
            clock: world.clock)
        let feed = SimulatedSource(
            source, positions: positions, from: start, piecesAtOnce: 0
        ) { [world] flushed in
            world.check(confirmedFromArchive: flushed)
        }
        try await feed.start(at: min(start.history?.start ?? start.position, start.position))
        let sink = SimulatedArchiveSink(process)
        let pruning: @Sendable () async throws -> Void = { try await sink.prune() }
        let flow = Flow(
            source: feed, sink: sink, positions: positions, end: nil,
            statusInterval: world.schedule.statusInterval, status: status)
        status.update { $0.phase = .streaming }
        return try await stop.draining({ feed.stop() }) {
            let ending = try await flow.run(beside: spool == nil ? [] : [pruning])
            guard stop.isRequested else { throw Restart(reason: "the source ended the stream") }
            checkDrained(feed)
            return ending
        }
    }

    private func checkDrained(_ source: SimulatedSource) {
        guard !source.client.session.isLost, !process.isKilled else { return }
        let position = disk.durableFiles.position?.end ?? .zero
        if world.schedule.holdBack == 0 || spool != nil,
            source.reported < min(source.heard, position)
        {
            world.breaks(
                .stopDrains, what: "\(source.reported) of \(position) is confirmed after a stop")
        }
        if let received = source.lastEnd, received > position {
            world.breaks(
                .stopDrains, what: "\(received) was received before a stop, and not stored")
        }
    }
}
