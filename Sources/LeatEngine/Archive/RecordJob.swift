internal import Glibc
internal import LeatArchive
internal import LeatCore
public import LeatFlow
public import Logging
internal import Synchronization

/// Records a stream into an archive until it is stopped, reaches its end or meets something that
/// needs a person.
public struct RecordJob: Sendable {
    private let configuration: RecordConfiguration
    private let status: JobStatus
    private let stop: StopSignal
    private let logger: Logger

    public init(
        _ configuration: RecordConfiguration, status: JobStatus, stop: StopSignal, logger: Logger
    ) {
        self.configuration = configuration
        self.status = status
        self.stop = stop
        self.logger = logger
    }

    /// - Throws: ``Halt``; nothing else.
    public func run() async throws {
        let folder = ArchiveFolder(configuration.archive)
        try StateFolder.checkIsOutside(configuration.archive, of: configuration.stateDirectory)
        let lock = try RecordJob.lock(folder, logger: logger)
        let state = try StateFolder(
            at: configuration.stateDirectory, of: configuration.stream, logger: logger)
        defer { withExtendedLifetime(state) {} }
        let run = RecordRun(
            configuration: configuration, folder: folder, lock: lock, attempts: RecordAttempts(),
            stop: stop, status: status, logger: logger)
        let loop = JobLoop(status: status, stop: stop, logger: logger)
        guard let ending = try await loop.run({ try await run.run(connected: $0) }) else { return }
        let position = status.snapshot.position
        logger.info(
            ending == .endReached ? "end position reached" : "stopped",
            metadata: ["position": "\(position)"])
    }

    /// - Throws: ``Halt`` with exit code 4 if another process writes the archive, 2 if others could
    ///   put files into it.
    static func lock(_ folder: ArchiveFolder, logger: Logger) throws(Halt) -> WriterLock {
        // A limit of the file's size is an error of the write, not the end of the process.
        signal(SIGXFSZ, SIG_IGN)
        do {
            let lock = try WriterLock(folder)
            logger.warn(ofArchive: lock.warnings)
            return lock
        } catch { throw Halt(writing: error) }
    }
}

/// What the runs of one process tell each other.
final class RecordAttempts: Sendable {
    /// A new base was asked for, and made.
    let isBaseMade = Atomic<Bool>(false)
    /// A large transaction cannot be read while it is in progress: see
    /// `StreamError.Code.messagesOfUnknownPart`.
    let readsWhole = Atomic<Bool>(false)
}
