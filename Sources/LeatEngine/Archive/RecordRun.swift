internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire
internal import Synchronization

/// One run of a recording, from its preparation to the loss of the connection or its end: a
/// ``Flow`` from the slot to the archive.
struct RecordRun: Sendable {
    let configuration: RecordConfiguration
    let folder: ArchiveFolder
    let lock: WriterLock
    let attempts: RecordAttempts
    /// The archive is one between the slot and a target; nil: one by itself.
    var spool: TargetSpool?
    let stop: StopSignal
    let status: JobStatus
    let logger: Logger

    /// The connections of a run. Both end together.
    struct Servers: Sendable {
        let receiver: SlotReceiver
        let source: Connection
        /// In which text travels, and is recorded.
        let encoding: String
    }

    private static let pruneInterval: Duration = .seconds(1)

    /// - Parameter connected: Called once the source was reached.
    func run(connected: () -> Void) async throws -> StreamEnding {
        let (receiver, source) = (SlotReceiver(), Connection(label: "leat.source"))
        do {
            return try await closing(receiver, source) {
                let encoding = try await connect(receiver, to: source)
                connected()
                return try await run(
                    Servers(receiver: receiver, source: source, encoding: encoding))
            }
        } catch {
            throw try explained(error)
        }
    }

    private func connect(
        _ receiver: SlotReceiver, to source: Connection
    ) async throws -> String {
        async let receiving: Void = receiver.open(
            configuration.source, stream: configuration.stream)
        try await source.open(
            configuration.source,
            options: .init(peer: .source, applicationName: configuration.stream.objectName))
        let spooled = try spool?.encoding()
        let encoding = try await source.run { session in
            // Everything has a form in UTF8. Bytes of no known encoding stay as they are.
            let encoding =
                try spooled
                ?? (session.serverEncoding() == "SQL_ASCII" ? "SQL_ASCII" : "UTF8")
            try session.prepare(clientEncoding: encoding)
            return encoding
        }
        try await receiving
        try await receiver.prepare(clientEncoding: encoding)
        return encoding
    }

    /// - A spool whose disk is full is as one at its limit: it is tried again, and the target makes
    ///   room meanwhile.
    /// - The next run reads large transactions whole, where only that tells what was rolled back.
    private func explained(_ error: any Error) throws -> any Error {
        if spool != nil, let error = error as? ArchiveError, case .noRoom(let reason) = error.code {
            return Restart(
                reason: """
                    There is no room for the spool: \(reason). The source keeps its WAL until the \
                    target has taken some of the spool, or somebody has made room
                    """)
        }
        guard let stream = error as? StreamError, case .messagesOfUnknownPart = stream.code else {
            return error
        }
        attempts.readsWhole.store(true, ordering: .relaxed)
        return Restart(reason: "\(stream); it is read again when it is whole")
    }

    // MARK: Recording

    private func run(_ servers: Servers) async throws -> StreamEnding {
        var prepared = try await RecordPreparation(run: self, servers: servers).prepare()
        if let definitions = prepared.definitions {
            prepared.description.catalog.keepMissingValues(of: definitions.keeper.seen)
        }
        let positions = SharedPosition(
            PositionState(
                startingAt: prepared.position, confirmed: prepared.confirmed,
                holdBack: configuration.holdBack))
        let definitions = definitions(of: prepared, on: servers, positions: positions)
        let sink = try ArchiveSink(
            in: folder, under: lock, describing: prepared.description,
            configuration: configuration.reading, source: servers.source,
            segmentBytes: configuration.segmentBytes, spool: spool, definitions: definitions,
            logger: logger)
        try await sink.begin(prepared.description.catalog)
        let stream = SlotStream(
            of: configuration.reading, receiver: servers.receiver, source: servers.source,
            server: .init(
                version: prepared.server.version,
                walSenderTimeout: prepared.server.walSenderTimeout),
            beginning: .init(
                publications: prepared.server.publications, viaRoot: prepared.server.viaRoot,
                tables: prepared.tables, copied: prepared.copied),
            positions: positions, logger: logger)
        let end = try await stream.start.endPosition()
        try await stream.begin(
            .init(
                position: prepared.position, history: prepared.history, tables: .everything,
                keepsMessages: true,
                streaming: !attempts.readsWhole.load(ordering: .relaxed)))
        showStart(prepared)
        let flow = Flow(
            source: stream.batches, sink: sink, positions: positions, end: end,
            statusInterval: stream.start.statusInterval, status: status)
        let monitor = stream.monitor(
            clientEncoding: servers.encoding, definitions: definitions?.watch,
            status: spool?.status ?? status,
            partitions: try await partitions(of: prepared, on: servers))
        return try await stop.draining({ flow.source.stop() }) {
            let ending = try await flow.run(beside: [
                { try await monitor.run() }, { try await prune(sink) },
            ])
            guard ending == .endReached || stop.isRequested else {
                throw Restart(reason: "the source ended the stream")
            }
            try await look(
                stream, definitions: definitions, reached: ending == .endReached ? end : nil,
                on: servers)
            return ending == .endReached ? .endReached : .stopped
        }
    }

    /// Publications may have been altered since the last look, and nothing may end well with rows
    /// that the archive does not have.
    private func look(
        _ stream: SlotStream, definitions: ArchiveSink.Definitions?, reached: LSN?,
        on servers: Servers
    ) async throws {
        do {
            guard let definitions else {
                _ = try await stream.watch.check(servers.source)
                return
            }
            try await definitions.watch.look(servers.source, reached: reached) {
                try await stream.watch.check(servers.source)
            }
            try definitions.keeper.finish()
        } catch let error as ConnectionError
            where spool != nil && stop.isRequested && error.peer == .source
        {
            // A spool is stopped without the source.
            logger.warning("publications were not compared: the source cannot be reached")
        }
    }

    private func definitions(
        of prepared: RecordPreparation.Prepared, on servers: Servers, positions: SharedPosition
    ) -> ArchiveSink.Definitions? {
        guard let definitions = prepared.definitions else { return nil }
        let watch = DefinitionWatch(
            definitions.keeper, tables: definitions.tables, suspicions: definitions.suspicions,
            leaving: [:], leftOut: LeftOutColumns(), position: { positions.with { $0.durable } },
            advising: RecordPreparation(run: self, servers: servers).advisingBase, logger: logger)
        return .init(watch: watch, keeper: definitions.keeper)
    }

    private func partitions(
        of prepared: RecordPreparation.Prepared, on servers: Servers
    ) async throws -> @Sendable (Connection) async throws -> Void {
        if let spool { return { try await spool.checkPartitions($0) } }
        let watch = PartitionWatch(
            ArchivedPartitions(folder: folder, lock: lock), tables: prepared.tables,
            status: status, logger: logger)
        try await watch.check(servers.source)
        return { try await watch.check($0) }
    }

    private func prune(_ sink: ArchiveSink) async throws {
        guard !configuration.retention.isUnlimited else { return }
        while true {
            try await sink.prune(configuration.retention)
            try await Task.sleep(for: RecordRun.pruneInterval)
        }
    }

    private func showStart(_ prepared: RecordPreparation.Prepared) {
        status.update { snapshot in
            snapshot.phase = .streaming
            snapshot.position = prepared.position
        }
        logger.info(
            "recording",
            metadata: [
                "position": "\(prepared.position)", "tables": "\(prepared.tables.count)",
                "slot": "\(configuration.slotName)", "archive": "\(folder.path)",
            ])
    }
}
