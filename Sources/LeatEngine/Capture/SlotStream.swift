internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient

/// The stream of a slot as a job runs it, whatever takes it: how it begins, where its batches come
/// from, and the watch over the source beside it.
struct SlotStream {
    let start: SlotStart
    let positions: SharedPosition
    let watch: PublicationWatch

    /// - Parameters:
    ///   - server: As the start has found it.
    ///   - beginning: What is compared with later.
    init(
        of configuration: SourceConfiguration, receiver: SlotReceiver, source: Connection,
        server: SlotStart.Server, beginning: PublicationWatch.Beginning,
        positions: SharedPosition, logger: Logger
    ) {
        start = SlotStart(
            configuration: configuration, receiver: receiver, source: source, server: server,
            logger: logger)
        self.positions = positions
        watch = PublicationWatch(configuration, from: beginning, logger: logger)
    }

    var batches: SlotSource {
        SlotSource(receiver: start.receiver, catalog: start.source, watch: watch)
    }

    func begin(_ wanted: SlotStart.Wanted) async throws {
        try await start.start(wanted, positions: positions)
    }

    /// - Parameter partitions: Looks at them, too.
    func monitor(
        clientEncoding: String, definitions: DefinitionWatch?, status: JobStatus,
        partitions: @escaping @Sendable (Connection) async throws -> Void
    ) -> SourceMonitor {
        SourceMonitor(
            configuration: start.configuration, clientEncoding: clientEncoding,
            publications: watch, definitions: definitions, partitions: partitions,
            positions: positions, status: status, logger: start.logger)
    }
}
