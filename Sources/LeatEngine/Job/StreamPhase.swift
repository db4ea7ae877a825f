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
            configuration: configuration, servers: servers, prepared: prepared, logger: logger)
        try await sink.start()
        let end = try await endPosition()
        try await startStream(positions)
        showStart()
        let receiver = servers.receiver
        defer { _ = run.stop.setDrain(nil) }
        if run.stop.setDrain({ receiver.stop() }) { receiver.stop() }
        let watch = PublicationWatch(
            configuration: configuration, prepared: prepared, logger: logger)
        let flow = Flow(
            source: SlotSource(receiver: receiver, catalog: servers.source, watch: watch),
            sink: sink, positions: positions, end: end, statusInterval: statusInterval,
            status: run.status)
        let monitor = try await monitor(watch)
        return try await finish(flow.run(beside: [{ try await monitor.run() }]))
    }

    private func monitor(_ watch: PublicationWatch) async throws -> SourceMonitor {
        let partitions = PartitionWatch(
            configuration, tables: prepared.tables, status: run.status, logger: logger)
        try await partitions.check(servers.source)
        return SourceMonitor(
            configuration: configuration, clientEncoding: servers.encoding,
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
