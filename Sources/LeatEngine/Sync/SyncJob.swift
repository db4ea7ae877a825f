internal import LeatCatalogs
internal import LeatCore
public import LeatFlow
public import Logging
internal import PGClient

/// `leat sync`: runs a stream until it is stopped, reaches its end or meets something that needs a
/// person.
public struct SyncJob: Sendable {
    private let configuration: SyncConfiguration
    private let status: JobStatus
    private let stop: StopSignal
    private let logger: Logger

    public init(
        _ configuration: SyncConfiguration, status: JobStatus, stop: StopSignal, logger: Logger
    ) {
        self.configuration = configuration
        self.status = status
        self.stop = stop
        self.logger = logger
    }

    /// - Throws: ``Halt``; nothing else.
    public func run() async throws {
        let folder = try StateFolder(
            at: configuration.stateDirectory, of: configuration.stream, logger: logger)
        defer { withExtendedLifetime(folder) {} }
        let local = LocalHaltNote(stateDirectory: configuration.stateDirectory)
        local.clear()
        let note = HaltNote(target: configuration.target, stream: configuration.stream)
        let ending = try await note.keeping(otherwise: { local.write($0) }) {
            try await runStream()
        }
        if let ending { report(ending) }
    }

    private func runStream() async throws -> StreamEnding? {
        let inProgress = InProgressHandling()
        if let spool = configuration.spool {
            return try await SpoolJob(
                configuration: configuration, spool: spool, inProgress: inProgress,
                status: status, stop: stop, logger: logger
            ).run()
        }
        let run = SyncRun(
            configuration: configuration, stop: stop, status: status, logger: logger,
            ownBackend: OwnBackend(), inProgress: inProgress,
            transfer: TransferForm(
                configuration.binary,
                readsValues: configuration.showsValues || !configuration.masks.isEmpty))
        let loop = JobLoop(status: status, stop: stop, logger: logger)
        return try await loop.run { try await run.run(connected: $0) }
    }

    private func report(_ ending: StreamEnding) {
        let position = status.snapshot.position
        switch ending {
        case .stopped:
            logger.info("stopped", metadata: ["position": "\(position)"])
        case .endReached:
            logger.info("end position reached", metadata: ["position": "\(position)"])
        case .copied:
            logger.info(
                "tables copied; the slot keeps the source's WAL until sync or cleanup is run",
                metadata: ["slot": "\(configuration.slotName)"])
        }
    }
}
