internal import AsyncAlgorithms
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

/// Step 5 of a ``SyncRun``: the flow from the slot to the target.
///
///     receiver ─ batches ─► bounded channel ─► applier
///        ▲                                        │
///        └── status updates ◄── positions ◄───────┘
///
/// Five tasks: one receives, one applies, one stores positions, one reports them to the source,
/// one watches the source. A stop ends the first; the rest ends in order behind it. An error in
/// any of them ends all.
struct StreamPhase {
    let run: SyncRun
    let servers: SyncRun.Servers
    let prepared: StreamPreparation.Prepared

    private enum TaskEnd: Sendable {
        case received, applied, ticker, monitor
    }

    /// Batches in the channel, in bytes: two of the largest that ``HandOver`` lets grow.
    private static let lowWater = 4 << 20
    private static let highWater = 8 << 20
    static let tick: Duration = .milliseconds(100)

    private var configuration: SyncConfiguration { run.configuration }
    private var logger: Logger { run.logger }

    func run() async throws -> SyncRun.Ending {
        let positions = SharedPosition(
            PositionState(
                startingAt: prepared.position, confirmed: prepared.confirmed,
                holdBack: configuration.holdBack))
        tell(
            try await servers.applier.start(
                at: prepared.position, prepared.sourceForm, prepared.followed))
        let end = try await endPosition()
        try await startStream(positions)
        showStart()
        let receiver = servers.receiver
        defer { _ = run.stop.setDrain(nil) }
        if run.stop.setDrain({ receiver.stop() }) { receiver.stop() }
        let tickers = StreamTickers(
            configuration: configuration, servers: servers, positions: positions, end: end,
            statusInterval: statusInterval, status: run.status, logger: logger)
        try await flow(positions, tickers)
        return try await finish(positions, tickers)
    }

    /// A stream that leads back from this target would take our changes for its own.
    private func tell(_ mark: OriginMark.State) {
        switch mark {
        case .set: break
        case .notPermitted:
            logger.info(
                "changes are not marked with a replication origin: the role may not use any")
        case .noneFree:
            logger.warning(
                """
                changes are not marked with a replication origin: none is free on the target \
                (max_replication_slots; 18: max_active_replication_origins)
                """)
        }
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

    // MARK: Starting

    private var statusInterval: Duration {
        min(configuration.statusInterval, prepared.walSenderTimeout / 3)
    }

    private func startStream(_ positions: SharedPosition) async throws {
        let streams = configuration.streaming && !filtersOriginsHere
        var options: [(name: String, value: String)] = [
            ("proto_version", streams ? "2" : "1"),
            (
                "publication_names",
                configuration.publicationNames.map(SQLText.identifier).joined(separator: ",")
            ),
        ]
        if streams { options.append(("streaming", "on")) }
        if prepared.isBinary { options.append(("binary", "true")) }
        if configuration.origin == .none, !filtersOriginsHere { options.append(("origin", "none")) }
        let stream = SlotReceiver.Stream(
            slot: configuration.slotName, position: prepared.position, options: options,
            protocolVersion: streams ? 2 : 1, tables: prepared.followed,
            skipsTransactionsWithOrigin: filtersOriginsHere,
            spoolFolder: configuration.stateDirectory + "/spool", positions: positions)
        try await startPatiently(stream)
    }

    /// 14 and 15 cannot leave out what came from elsewhere. The Origin message tells, but not
    /// within a streamed transaction.
    private var filtersOriginsHere: Bool {
        configuration.origin == .none && prepared.sourceVersion < 160_000
    }

    /// The walsender of a killed predecessor holds the slot until it notices.
    private func startPatiently(_ stream: SlotReceiver.Stream) async throws {
        let deadline = ContinuousClock.now + prepared.walSenderTimeout
        var isTold = false
        while true {
            do {
                return try await servers.receiver.start(stream)
            } catch let error as ConnectionError where error.sqlState == "55006" {
                let name = stream.slot
                let user = try await servers.source.run {
                    try ReplicationSlot(session: $0, name: name).user()
                }
                guard ContinuousClock.now < deadline else {
                    throw Halt(
                        .source, "Slot \(name) is in use by \(user).",
                        advice: "Stop the process that reads it, or choose another --stream.")
                }
                if !isTold { logger.warning("slot \(name) is still in use by \(user); waiting") }
                isTold = true
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    private func endPosition() async throws -> LSN? {
        switch configuration.end {
        case nil: return nil
        case .lsn(let end): return end
        case .now: return try await servers.source.run { try SourceEnd.flushed($0) }
        }
    }

    // MARK: Flowing

    private func flow(_ positions: SharedPosition, _ tickers: StreamTickers) async throws {
        let partitions = PartitionWatch(
            configuration, tables: prepared.tables, status: run.status, logger: logger)
        try await partitions.check(servers.source)
        let watch = PublicationWatch(
            configuration: configuration, prepared: prepared, logger: logger)
        let monitor = SourceMonitor(
            configuration: configuration, clientEncoding: servers.encoding,
            publications: watch, partitions: partitions, status: run.status, logger: logger)
        try await withThrowingTaskGroup(of: TaskEnd.self) { group in
            var parts = MultiProducerSingleConsumerAsyncChannel.makeChannel(
                of: Batch.self, throwing: Never.self,
                backpressureStrategy: .watermark(
                    low: StreamPhase.lowWater, high: StreamPhase.highWater,
                    waterLevelForElement: { $0.byteCount }))
            var channel = parts.takeChannel()
            var source = Optional(parts.source)
            group.addTask {
                while let batch = await channel.next() {
                    try await apply(batch, positions, tickers)
                }
                try Task.checkCancellation()
                return .applied
            }
            group.addTask {
                receiving: while true {
                    switch try await servers.receiver.next() {
                    case .batch(let batch): try await source?.send(batch)
                    case .nothing: try await tellUnfollowed(watch)
                    case .ended: break receiving
                    }
                }
                source.take()?.finish()
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
            group.addTask {
                try await monitor.run()
                return .monitor
            }
            try await waitForEnd(&group, tickers)
            group.cancelAll()
        }
    }

    /// Waits until everything received is applied and the tickers have come to rest. They are not
    /// cancelled: that would take the sessions along, which the last store still needs.
    private func waitForEnd(
        _ group: inout ThrowingTaskGroup<TaskEnd, any Error>, _ tickers: StreamTickers
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
            case .received, .monitor:
                break
            }
        }
    }

    private func apply(
        _ batch: Batch, _ positions: SharedPosition, _ tickers: StreamTickers
    ) async throws {
        defer { if positions.batchApplied() { servers.receiver.applierHasRoom() } }
        guard let batch = tickers.upToEnd(batch) else { return }
        let refused = try await TableRenames(servers: servers)
            .refusals(in: batch, prepared.followed)
        let applied = try await apply(batch, refused)
        if let end = applied.end {
            positions.with { $0.committed(through: end, isDurable: false, at: .now) }
        }
        tickers.show(applied)
        tell(applied.conflicts)
    }

    /// One line a table, kind and batch: `leat.conflicts` has each.
    private func tell(_ conflicts: [ConflictCount]) {
        for conflict in conflicts {
            logger.warning(
                "conflicts resolved",
                metadata: [
                    "table": "\(conflict.table)", "kind": "\(conflict.kind.rawValue)",
                    "policy": "\(conflict.policy.rawValue)", "count": "\(conflict.count)",
                    "first_lsn": "\(conflict.firstLSN)",
                ])
        }
    }

    private func apply(
        _ batch: Batch, _ refused: [RelationID: Halt]
    ) async throws -> Applier.Applied {
        do {
            return try await servers.applier.apply(batch, refusing: refused)
        } catch let new as Applier.NewDefinition {
            // Nothing of the batch was applied.
            try await SettledCatalog(source: servers.source).wait(for: batch)
            let publications = configuration.publicationNames
            let (types, tables) = try await servers.source.run { session in
                (
                    try session.typeCatalog(),
                    try SourceCatalog(session: session).publishedTables(of: publications)
                )
            }
            try await servers.applier.learn(
                types,
                Dictionary(
                    tables.map { ($0.relation.id, $0.columns) },
                    uniquingKeysWith: { first, _ in first }), for: new, described: batch.types)
            return try await apply(batch, refused)
        } catch let halt as Halt {
            throw await SchemaGaps(servers: servers, tables: prepared.tables).explain(halt)
        }
    }

    private func tellUnfollowed(_ watch: PublicationWatch) async throws {
        let tables = await servers.receiver.takeUnfollowed()
        guard !tables.isEmpty else { return }
        try await watch.tell(tables, servers.source)
    }

    // MARK: Ending

    /// The intake has ended and all that was whole is committed: make it durable, confirm it.
    private func finish(
        _ positions: SharedPosition, _ tickers: StreamTickers
    ) async throws -> SyncRun.Ending {
        run.status.update { $0.phase = .stopping }
        try await servers.applier.rollBack()
        try await tickers.storeLast()
        let isStopped = run.stop.isRequested
        guard isStopped || tickers.isEndReached else {
            throw Restart(reason: "the source ended the stream")
        }
        try await SequenceJob(configuration: configuration, servers: servers, logger: logger)
            .run(prepared.tables.map(\.name))
        return tickers.isEndReached ? .endReached : .stopped
    }
}
