internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

/// One run of a replay, from taking the stream to the loss of the target or its end.
///
/// The order, and what a crash after each step leaves:
///
/// 1. Connect, take the stream's lock, read its row `for update`. Nothing is changed.
/// 2. If asked, take back what the stream has brought (``Rewind``).
/// 3. Decide how to start (``ReplayDecision``), and register with the archive, so that retention
///    leaves what is needed from here on. A crash leaves a reader that is too far back.
/// 4. New stream: the base's schema, if asked, in one transaction; check that the tables fit and
///    are empty, or empty them; then, in one transaction, the row at the base's point with all
///    tables `init`. A crash before it leaves an empty schema, and the next start is a first one.
/// 5. Copy the base; each table becomes `ready` in the transaction that brings its rows. A crash
///    leaves the row at the base's point, and some tables `init`: those are copied from the same
///    base. Then the base's sequences.
/// 6. Flow from the archive, at the stored position, as any source.
struct ReplayRun: Sendable {
    let configuration: ReplayConfiguration
    let stop: StopSignal
    let resume: ResumeSignal
    let status: JobStatus
    let logger: Logger
    let ownBackend: OwnBackend
    let rewind: Rewind

    enum Ending: Sendable {
        case stopped, endReached, momentReached, archiveEnded
    }

    private static let statusInterval: Duration = .seconds(1)

    /// - Parameter connected: Called once the target was reached.
    func run(connected: () -> Void) async throws -> Ending {
        // Said before anything is connected to.
        _ = try ArchiveFacts(configuration.archive).position()
        let applier = Applier(
            stream: configuration.stream, handling: configuration.handling,
            silence: .telling(logger, limit: configuration.answerTimeout))
        let archive = ArchiveSource(configuration.archive)
        return try await closing(applier) {
            try await applier.connect(configuration.target, own: ownBackend)
            connected()
            let preparation = ReplayPreparation(run: self, applier: applier, archive: archive)
            let met = try await preparation.ensureSchema()
            let desk = RequestDesk(
                target: configuration.target, stream: configuration.stream, status: status,
                logger: logger)
            return try await desk.open(beside: applier) {
                try await flow(of: preparation.prepare(met), to: applier, from: archive, desk: desk)
            }
        }
    }

    private func flow(
        of prepared: ReplayPreparation.Prepared, to applier: Applier, from archive: ArchiveSource,
        desk: RequestDesk
    ) async throws -> Ending {
        let masks = MaskTransform(
            prepared.masks, source: archive.definitions, rules: configuration.masks)
        let sink = TargetSink(
            applier: applier, source: archive.definitions, tables: prepared.tables,
            followed: prepared.followed, logger: logger,
            joining: JoiningTables(
                applier: applier, stream: configuration.stream, position: prepared.position,
                followed: prepared.followed, masks: masks, logger: logger))
        try await sink.start(at: prepared.position, prepared.form)
        let positions = SharedPosition(
            PositionState(startingAt: prepared.position, confirmed: prepared.position))
        await archive.start(stream(of: prepared, positions: positions))
        showStart(prepared)
        resume.setHandler { archive.goOn() }
        defer { resume.setHandler(nil) }
        let flow = Flow(
            source: archive, sink: sink, positions: positions, end: nil,
            statusInterval: ReplayRun.statusInterval, status: status,
            transform: masks.isEmpty ? nil : masks)
        desk.streams(flow) { archive.knownEnd }
        return try await stop.draining({ archive.stop() }) {
            let ending = try await flow.run(beside: [{ try await watch(archive, of: prepared) }])
            try await setSequences(of: prepared.tables.map(\.target), on: applier)
            let position = positions.with { $0.durable }
            if let name = prepared.reader { try? await archive.register(name, at: position) }
            if stop.isRequested { return .stopped }
            try checkDoubts(prepared, at: position)
            if ending == .endReached { return .endReached }
            return archive.isEndReached ? .momentReached : .archiveEnded
        }
    }

    /// Also those that were noticed just before it ended.
    private func checkDoubts(
        _ prepared: ReplayPreparation.Prepared, at position: LSN
    ) throws {
        let doubts = ReplayDoubts(configuration, logger: logger)
        try doubts.check(from: prepared.position, prepared.limit, at: position)
        guard let limit = prepared.limit, position >= limit.since else { return }
        throw doubts.halt(limit, at: position)
    }

    private func stream(
        of prepared: ReplayPreparation.Prepared, positions: SharedPosition
    ) -> ArchiveSource.Stream {
        var stream = ArchiveSource.Stream(positions: positions)
        stream.follows = configuration.follows
        stream.schedule = ReplaySchedule(
            until: configuration.until, limit: prepared.limit?.since, speed: configuration.speed,
            pauses: configuration.pauses)
        stream.reader = prepared.reader
        let logger = logger
        stream.paused = { position in
            logger.info(
                "paused; SIGUSR1 goes on",
                metadata: ["position": "\(position)", "pid": "\(getpid())"])
        }
        return stream
    }

    private func showStart(_ prepared: ReplayPreparation.Prepared) {
        status.update { snapshot in
            snapshot.phase = .streaming
            snapshot.position = prepared.position
        }
        logger.info(
            "replaying",
            metadata: [
                "position": "\(prepared.position)", "tables": "\(prepared.followed.count)",
                "archive_end": "\(prepared.archiveEnd)",
            ])
    }

    /// Shows how far the archive reaches, beside the flow.
    private func watch(
        _ archive: ArchiveSource, of prepared: ReplayPreparation.Prepared
    ) async throws {
        var nextLog = ContinuousClock.now + SourceMonitor.logInterval
        while true {
            try await Task.sleep(for: .milliseconds(500))
            let end = archive.knownEnd
            status.update { $0.sourceWALEnd = end }
            status.tellMetrics()
            try ReplayDoubts(configuration, logger: logger).check(
                from: prepared.position, prepared.limit, at: status.snapshot.position)
            guard ContinuousClock.now >= nextLog else { continue }
            nextLog = .now + SourceMonitor.logInterval
            let snapshot = status.snapshot
            logger.info(
                "replaying",
                metadata: [
                    "position": "\(snapshot.position)", "archive_end": "\(end)",
                    "rows": "\(snapshot.rowsApplied)",
                ])
        }
    }

    /// There is no source to ask: what a column holds is what its sequence must be beyond.
    ///
    /// - Parameter tables: By their names on the target.
    private func setSequences(of tables: [TableName], on applier: Applier) async throws {
        try await applier.run { session in
            try session.transaction {
                let own = try SequenceSync.read(session, tables: tables, all: false)
                _ = try SequenceSync.write(own, on: session)
            }
        }
    }
}

internal import Glibc
