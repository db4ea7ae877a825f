internal import LeatCore
public import Logging
internal import PGClient

/// Runs a stream until it is stopped, reaches its end or meets something that needs a person.
///
/// There is one way back from every lost connection: drop both, and begin again at "take the
/// stream". What was in flight is sent again by the source; what was committed without an
/// answer shows in the stored position.
public struct SyncJob: Sendable {
    private let configuration: SyncConfiguration
    private let status: SyncStatus
    private let stop: StopSignal
    private let logger: Logger

    /// What a drain may take before it is cut short. The whole stop has 20 seconds.
    private static let drainLimit: Duration = .seconds(12)
    /// A run that lasted so long was a good one: the next failure starts with short waits.
    private static let goodRun: Duration = .seconds(30)

    public init(
        _ configuration: SyncConfiguration, status: SyncStatus, stop: StopSignal, logger: Logger
    ) {
        self.configuration = configuration
        self.status = status
        self.stop = stop
        self.logger = logger
    }

    /// - Throws: ``Halt``; nothing else.
    public func run() async throws {
        let folder = try StateFolder(configuration.stateDirectory)
        defer { folder.unlock() }
        do {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await runUntilDone()
                    return true
                }
                group.addTask {
                    await stop.wait()
                    guard stop.isRequested, stop.drain() else { return false }
                    try await Task.sleep(for: SyncJob.drainLimit)
                    logger.warning(
                        "the target did not take what was received in time; rolling back")
                    return false
                }
                // Whichever ends first ends the other.
                _ = try await group.next()
                group.cancelAll()
                while try await group.next() != nil {}
            }
        } catch is CancellationError where stop.isRequested {
            // Rolled back; the stored position stands.
        }
        status.update { $0.phase = .stopping }
    }

    private func runUntilDone() async throws {
        var backoff = Backoff()
        var wasConnected = false
        let ownBackend = OwnBackend()
        while true {
            let began = ContinuousClock.now
            do {
                let run = SyncRun(
                    configuration: configuration, stop: stop, status: status, logger: logger,
                    ownBackend: ownBackend)
                let ending = try await run.run { wasConnected = true }
                return report(ending)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                if Task.isCancelled { throw CancellationError() }
                if ContinuousClock.now - began > SyncJob.goodRun { backoff.reset() }
                try await handle(Failure(error, wasConnected: wasConnected), &backoff)
            }
        }
    }

    private func handle(_ failure: Failure, _ backoff: inout Backoff) async throws {
        switch failure {
        case .halt(let halt):
            throw halt
        case .retry(let reason):
            let wait = backoff.next(random: Double.random(in: 0..<1))
            status.update { $0.phase = .waiting }
            // libpq's words are whole sentences.
            let sentence = reason.hasSuffix(".") ? reason : "\(reason)."
            logger.warning("\(sentence) Trying again.", metadata: ["in": "\(wait)"])
            try await Task.sleep(for: wait)
        }
    }

    private func report(_ ending: SyncRun.Ending) {
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
