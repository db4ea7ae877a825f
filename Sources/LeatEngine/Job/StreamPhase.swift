internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

/// Step 5 of a ``SyncRun``: the flow from the slot to the target, with a watch over the source
/// beside it.
struct StreamPhase {
    let run: SyncRun
    let servers: SyncRun.Servers
    let prepared: StreamPreparation.Prepared

    private var configuration: SyncConfiguration { run.configuration }
    private var logger: Logger { run.logger }

    func run() async throws -> SyncRun.Ending {
        let positions = SharedPosition(
            PositionState(
                startingAt: prepared.position, confirmed: prepared.confirmed,
                holdBack: configuration.holdBack))
        let sink = TargetSink(
            applier: servers.applier, source: run.definitions(servers), tables: prepared.tables,
            followed: prepared.followed, logger: logger,
            inProgress: .init(sides: servers.sides, handling: run.inProgress))
        try await sink.start(at: prepared.position, prepared.sourceForm)
        let start = SlotStart(
            configuration: configuration.reading, receiver: servers.receiver,
            source: servers.source,
            server: .init(
                version: prepared.sourceVersion, walSenderTimeout: prepared.walSenderTimeout),
            logger: logger)
        let end = try await start.endPosition()
        try await start.start(
            .init(
                position: prepared.position, tables: prepared.followed,
                isBinary: prepared.isBinary, piecesAtOnce: run.inProgress.appliedAtOnce),
            positions)
        showStart()
        let receiver = servers.receiver
        defer { _ = run.stop.setDrain(nil) }
        if run.stop.setDrain({ receiver.stop() }) { receiver.stop() }
        let watch = PublicationWatch(
            configuration: configuration.reading, publicationOIDs: prepared.publicationOIDs,
            viaRoot: prepared.viaRoot, tables: prepared.tables, logger: logger)
        let flow = Flow(
            source: SlotSource(receiver: receiver, catalog: servers.source, watch: watch),
            sink: sink, positions: positions, end: end, statusInterval: start.statusInterval,
            status: run.status)
        let monitor = try await monitor(watch)
        return try await finish(flow.run(beside: [{ try await monitor.run() }]))
    }

    private func monitor(_ watch: PublicationWatch) async throws -> SourceMonitor {
        let partitions = PartitionWatch(
            configuration, tables: prepared.tables, status: run.status, logger: logger)
        try await partitions.check(servers.source)
        return SourceMonitor(
            configuration: configuration.reading, clientEncoding: servers.encoding,
            publications: watch, partitions: partitions, status: run.status, logger: logger)
    }

    private func showStart() {
        let consistentFrom = prepared.followed.latestSnapshot
        run.status.update { snapshot in
            snapshot.phase = .streaming
            snapshot.position = prepared.position
            snapshot.consistentFrom = consistentFrom
        }
        logger.info(
            "streaming",
            metadata: [
                "position": "\(prepared.position)", "tables": "\(prepared.followed.count)",
                "slot": "\(configuration.slotName)",
            ])
    }

    // MARK: Ending

    private func finish(_ ending: Flow.Ending) async throws -> SyncRun.Ending {
        guard ending == .endReached || run.stop.isRequested else {
            throw Restart(reason: "the source ended the stream")
        }
        try await SequenceJob(configuration: configuration, servers: servers, logger: logger)
            .run(prepared.tables.map(\.name))
        return ending == .endReached ? .endReached : .stopped
    }
}
