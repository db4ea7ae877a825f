internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

/// Step 5 of a ``SyncRun``: the flow from the slot, or from the spool, to the target.
struct StreamPhase {
    let run: SyncRun
    let servers: SyncRun.Servers
    let prepared: StreamPreparation.Prepared

    /// Where the batches come from, and what runs beside it.
    struct Feed {
        var source: any BatchSource
        var beside: [@Sendable () async throws -> Void] = []
        /// Reads the tables that are published at the end.
        var tables: @Sendable () async throws -> [RelationID: SourceTable]
        /// When all is stored, and the flow has ended.
        var finish: @Sendable () async throws -> Void = {}
    }

    var configuration: SyncConfiguration { run.configuration }
    var logger: Logger { run.logger }

    func run() async throws -> StreamEnding {
        let positions = SharedPosition(
            PositionState(
                startingAt: prepared.position, confirmed: prepared.confirmed,
                holdBack: configuration.holdBack))
        // What comes from a spool has committed.
        let inProgress = TargetSink.InProgress(sides: servers.sides, handling: run.inProgress)
        let definitions = definitions(positions)
        let sink = TargetSink(
            applier: servers.applier, source: run.definitions(servers), tables: prepared.tables,
            followed: prepared.followed, logger: logger,
            inProgress: run.spool == nil ? inProgress : nil, ahead: servers.ahead,
            definitions: .init(
                watch: definitions, source: servers.source,
                copiesAnew: configuration.onRewrite == .copy),
            dump: SchemaCommand(source: configuration.source, target: configuration.target),
            advisingCopy: definitions.advising)
        try await sink.start(at: prepared.position, prepared.sourceForm)
        let stream = SlotStream(
            of: configuration.reading, receiver: servers.receiver, source: servers.source,
            server: .init(
                version: prepared.sourceVersion, walSenderTimeout: prepared.walSenderTimeout),
            beginning: prepared.watched, positions: positions, logger: logger)
        let end = try await stream.start.endPosition()
        let feed =
            if let spool = run.spool {
                try await self.feed(from: spool, to: positions, definitions: definitions)
            } else {
                try await self.feed(from: stream, definitions)
            }
        showStart()
        let flow = Flow(
            source: feed.source, sink: sink, positions: positions, end: end,
            statusInterval: stream.start.statusInterval, status: run.status, transform: masks)
        servers.desk.streams(flow) { [servers] in
            try await servers.source.run { try SourceEnd.flushing($0) }
        }
        return try await run.stop.draining({ feed.source.stop() }) {
            let ending = try await flow.run(beside: feed.beside)
            try await feed.finish()
            return try await finish(
                by: ending, at: flow.end.lsn, definitions: definitions, reading: feed.tables)
        }
    }

    /// Nil where nothing is masked: batches are passed on as they come then.
    private var masks: MaskTransform? {
        guard !prepared.masks.isEmpty else { return nil }
        let (inProgress, source) = (run.inProgress, servers.source)
        return MaskTransform(
            prepared.masks, source: run.definitions(servers),
            pieces: .init(
                isBeingAltered: { id in try await source.run { try $0.isExclusivelyLocked(id) } },
                refusal: { inProgress.spool(because: $0) }))
    }

    private func definitions(_ positions: SharedPosition) -> DefinitionWatch {
        DefinitionWatch(
            TargetDefinitions(
                target: onTarget(mayBeAway: run.spool != nil), stream: configuration.stream),
            tables: prepared.definitions, suspicions: prepared.suspicions,
            leaving: prepared.leaving, leftOut: servers.applier.leftOut,
            position: { positions.with { $0.durable } },
            advising: StreamPreparation(run: run, servers: servers).advisingCopy, logger: logger)
    }

    /// From the slot, with a watch over the source beside it.
    private func feed(
        from stream: SlotStream, _ definitions: DefinitionWatch
    ) async throws -> Feed {
        try await stream.begin(
            .init(
                position: prepared.position, history: prepared.history,
                tables: prepared.followed,
                isBinary: prepared.isBinary, piecesAtOnce: run.inProgress.appliedAtOnce))
        let partitions = try await partitions(mayBeAway: false)
        let monitor = stream.monitor(
            clientEncoding: servers.encoding, definitions: definitions, status: run.status
        ) { try await partitions.check($0) }
        return Feed(
            source: stream.batches,
            beside: [{ try await monitor.run() }],
            // A publication may have been altered since the last look.
            tables: { try await stream.watch.check(servers.source) })
    }

    func onTarget(mayBeAway: Bool) -> OwnTargetSession {
        OwnTargetSession(
            target: configuration.target, stream: configuration.stream, mayBeAway: mayBeAway)
    }

    /// - Parameter mayBeAway: See ``OwnTargetSession``.
    func partitions(mayBeAway: Bool) async throws -> PartitionWatch {
        let keeper = TargetPartitions(
            target: onTarget(mayBeAway: mayBeAway), stream: configuration.stream)
        let watch = PartitionWatch(
            keeper, tables: prepared.tables, status: run.status, logger: logger)
        try await watch.check(servers.source)
        return watch
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

    private func finish(
        by ending: Flow.Ending, at end: LSN?, definitions: DefinitionWatch,
        reading tables: @Sendable () async throws -> [RelationID: SourceTable]
    ) async throws -> StreamEnding {
        guard ending == .endReached || run.stop.isRequested else {
            throw Restart(reason: "the source ended the stream")
        }
        do {
            // Nothing may end well with rows on the target that the source does not have.
            let reached = ending == .endReached ? end : nil
            try await definitions.look(
                servers.source, reached: reached, isLast: true, reading: tables)
            try await SequenceJob(
                configuration: configuration, source: servers.source, applier: servers.applier,
                logger: logger
            )
            .run(prepared.tables.map(\.route), isEnd: true)
        } catch let error as ConnectionError
            where run.spool != nil && run.stop.isRequested && error.peer == .source
        {
            // What was recorded is followed without the source, and so it is stopped.
            logger.warning("sequences were not set: the source cannot be reached")
        }
        return ending == .endReached ? .endReached : .stopped
    }
}
