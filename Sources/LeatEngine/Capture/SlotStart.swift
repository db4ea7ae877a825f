internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

/// Starts the stream of a slot, whatever takes it.
struct SlotStart {
    let configuration: SourceConfiguration
    let receiver: SlotReceiver
    /// For queries.
    let source: Connection
    let server: Server
    let logger: Logger

    struct Server: Sendable {
        var version: Int
        var walSenderTimeout: Duration
    }

    /// What is read, from where on.
    struct Wanted: Sendable {
        var position: LSN
        /// What is compared on the way to it.
        var history: KnownHistory?
        var tables: FollowedTables
        var isBinary = false
        var keepsMessages = false
        var streaming = true
        /// For a sink that takes transactions in progress: so many at a time.
        var piecesAtOnce = 0
    }

    var statusInterval: Duration {
        min(configuration.statusInterval, server.walSenderTimeout / 3)
    }

    func endPosition() async throws -> LSN? {
        switch configuration.end {
        case nil: return nil
        case .lsn(let end): return end
        case .now: return try await source.run { try SourceEnd.flushing($0) }
        }
    }

    func start(_ wanted: Wanted, positions: SharedPosition) async throws {
        let streams = wanted.streaming && configuration.streaming && !filtersOriginsHere
        var options: [(name: String, value: String)] = [
            ("proto_version", streams ? "2" : "1"),
            (
                "publication_names",
                (configuration.namesInStream ?? configuration.publicationNames)
                    .map(SQLText.listed).joined(separator: ",")
            ),
        ]
        if streams { options.append(("streaming", "on")) }
        if wanted.isBinary { options.append(("binary", "true")) }
        if wanted.keepsMessages { options.append(("messages", "true")) }
        if configuration.origin == .none, !filtersOriginsHere { options.append(("origin", "none")) }
        if streams, wanted.piecesAtOnce > 0 { try await receiver.run(SlotStart.streamEarly) }
        if let written = try await source.run({ try SourceEnd.written($0) }) {
            positions.sourceEndRead(written)
        }
        try await startPatiently(
            SlotReceiver.Stream(
                slot: configuration.slotName, position: wanted.position, options: options,
                protocolVersion: streams ? 2 : 1, tables: wanted.tables,
                skipsTransactionsWithOrigin: filtersOriginsHere,
                keepsMessages: wanted.keepsMessages, piecesAtOnce: wanted.piecesAtOnce,
                spoolFolder: configuration.stateDirectory + "/spool", positions: positions,
                history: wanted.history))
        try await tellConfirmed()
    }

    private func tellConfirmed() async throws {
        let name = configuration.slotName
        let slot = try await source.run { try ReplicationSlot(session: $0, name: name).facts() }
        try await receiver.slotTaken(confirmed: slot?.confirmedFlushLSN ?? .zero)
    }

    /// The server decodes this much before it sends the first of a large transaction, and as much
    /// again before it sends more. Where that is applied as it comes, the target waits meanwhile,
    /// and the walsender keeps what it could have sent.
    private static func streamEarly(_ session: Session) throws {
        try session.execute(
            """
            select pg_catalog.set_config(name, '16MB', false) from pg_catalog.pg_settings
            where name = 'logical_decoding_work_mem' and setting::pg_catalog.int4 > 16384
            """)
    }

    /// 14 and 15 cannot leave out what came from elsewhere. The Origin message tells, but not
    /// within a streamed transaction.
    private var filtersOriginsHere: Bool {
        configuration.origin == .none && server.version < 160_000
    }

    private func startPatiently(_ stream: SlotReceiver.Stream) async throws {
        let name = stream.slot
        let wait = PredecessorWait(patience: server.walSenderTimeout, logger: logger)
        try await wait {
            do {
                try await receiver.start(stream)
            } catch let error as ConnectionError where error.sqlState == .objectInUse {
                let user = try await source.run {
                    try ReplicationSlot(session: $0, name: name).user()
                }
                throw Halt(
                    .source, "Slot \(name) is in use by \(user).",
                    advice: "Stop the process that reads it, or choose another --stream.",
                    kind: .slotInUse)
            }
        }
    }
}
