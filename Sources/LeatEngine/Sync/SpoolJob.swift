internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging

/// `leat sync --spool DIR`: two jobs in one process. One records the slot into an archive, the
/// other follows the archive into the target, each at its own pace and with its own restarts. The
/// slot is confirmed from the archive, so a target that is slow or away does not hold the source's
/// WAL.
///
/// What needs a person in one of them ends both.
struct SpoolJob: Sendable {
    let configuration: SyncConfiguration
    let spool: SyncConfiguration.Spool
    let inProgress: InProgressHandling
    let status: JobStatus
    let stop: StopSignal
    let logger: Logger

    /// - Returns: How the following ended; nil if it was cancelled by a stop, and rolled back.
    /// - Throws: ``Halt``; nothing else.
    func run() async throws -> StreamEnding? {
        let folder = ArchiveFolder(spool.folder)
        try StateFolder.checkIsOutside(folder.path, of: configuration.stateDirectory)
        let lock = try RecordJob.lock(folder, logger: logger)
        let jobs = JobPair()
        let limit = spool.limit.map { SpoolLimit($0, stop: jobs.bringing, logger: logger) }
        let target: TargetSpool
        do throws(ArchiveError) {
            target = try TargetSpool(
                in: folder, under: lock, configuration: spool, of: configuration.stream,
                limit: limit, status: status)
        } catch {
            throw Halt(error, archive: folder.path)
        }
        return try await jobs.run(
            until: stop,
            bringing: {
                await target.waitUntilOpen()
                try await record(on: target, until: jobs.bringing)
            }, taking: { try await follow(target, until: jobs.taking) }, waking: { target.open() })
    }

    private func record(on target: TargetSpool, until stop: StopSignal) async throws {
        guard target.isBegun else { return }
        var reading = configuration.reading
        // Both are the following's: it reads no further, and what it has stored long enough ago
        // may be removed.
        reading.end = nil
        reading.holdBack = .zero
        var recording = RecordConfiguration(reading: reading, archive: spool.folder)
        recording.retention = Retention(bytes: 0)
        recording.segmentBytes = target.segmentBytes
        let run = RecordRun(
            configuration: recording, folder: target.folder, lock: target.lock,
            attempts: RecordAttempts(), spool: target, stop: stop, status: JobStatus(),
            logger: logger)
        let loop = JobLoop(status: run.status, stop: stop, logger: logger)
        _ = try await loop.run { connected in
            // Shut again where only the target can say how to go on.
            await target.waitUntilOpen()
            return try await run.run(connected: connected)
        }
    }

    private func follow(
        _ target: TargetSpool, until stop: StopSignal
    ) async throws -> StreamEnding? {
        let run = SyncRun(
            configuration: configuration, stop: stop, status: status, logger: logger,
            ownBackend: OwnBackend(), inProgress: inProgress,
            transfer: TransferForm(.off), spool: target)
        let loop = JobLoop(status: status, stop: stop, logger: logger)
        return try await loop.run { connected in
            // A target that is away for long is what the spool is for; it was there when the spool
            // was begun. Whether the source can be reached, the recording finds out.
            if target.isBegun { connected() }
            do { return try await run.run(connected: connected) } catch {
                if target.isBegun { target.open() }
                throw error
            }
        }
    }
}
