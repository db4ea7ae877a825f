internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
public import LeatFlow
public import Logging
internal import PGClient
internal import Synchronization

/// `leat replay`: plays an archive into a target, until it ends, is stopped, or meets something
/// that needs a person.
public struct ReplayJob: Sendable {
    private let configuration: ReplayConfiguration
    private let status: JobStatus
    private let stop: StopSignal
    private let resume: ResumeSignal
    private let logger: Logger

    public init(
        _ configuration: ReplayConfiguration, status: JobStatus, stop: StopSignal,
        resume: ResumeSignal, logger: Logger
    ) {
        self.configuration = configuration
        self.status = status
        self.stop = stop
        self.resume = resume
        self.logger = logger
    }

    /// - Throws: ``Halt``; nothing else.
    public func run() async throws {
        try checkFolder()
        let rewind = Rewind(configuration.rewinds)
        let run = ReplayRun(
            configuration: configuration, stop: stop, resume: resume, status: status,
            logger: logger, ownBackend: OwnBackend(), rewind: rewind)
        let loop = JobLoop(status: status, stop: stop, logger: logger)
        let note = HaltNote(target: configuration.target, stream: configuration.stream)
        let ending = try await note.keeping {
            try await loop.run { try await run.run(connected: $0) }
        }
        if let ending { report(ending) }
    }

    /// What others put into the archive would go into the target.
    private func checkFolder() throws(Halt) {
        do { logger.warn(ofArchive: try FolderCheck.requireTrusted(configuration.archive)) } catch {
            throw Halt(error, archive: configuration.archive)
        }
    }

    private func report(_ ending: ReplayRun.Ending) {
        let fields: Logger.Metadata = ["position": "\(status.snapshot.position)"]
        switch ending {
        case .stopped: logger.info("stopped", metadata: fields)
        case .endReached: logger.info("end position reached", metadata: fields)
        case .momentReached: logger.info("wanted moment reached", metadata: fields)
        case .archiveEnded:
            guard let until = configuration.until else {
                logger.info("end of the archive reached", metadata: fields)
                return
            }
            logger.warning(
                "end of the archive reached before the wanted moment; --follow waits for it",
                metadata: fields.merging(["until": "\(until)"]) { first, _ in first })
        }
    }
}
