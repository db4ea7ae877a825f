import Foundation
import LeatCore
import LeatEngine
internal import LeatFlow
import Logging
import PGClient
import UnixSignals

/// Runs a job with its signals and its live view.
struct JobRunner {
    let logger: Logger

    /// When a stop that hangs, in a name server for example, is cut short.
    private static let patience: DispatchTimeInterval = .seconds(18)

    /// - Throws: ``Halt``.
    func run(_ configuration: SyncConfiguration) async throws {
        let (status, stop) = (JobStatus(), StopSignal())
        let job = SyncJob(configuration, status: status, stop: stop, logger: logger)
        try await run(status, stop: stop) { try await job.run() }
    }

    /// - Throws: ``Halt``.
    func run(
        _ status: JobStatus, stop: StopSignal, job: () async throws -> Void
    ) async throws {
        try OpenFiles.require()
        if !CancelRequest.isEncrypted {
            logger.debug("libpq is older than 17: requests to cancel are sent without TLS")
        }
        let received = ReceivedSignal()
        IgnoredSignals.ignore()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await listen(to: stop, received: received) }
            group.addTask {
                if Terminal.shared.isInteractive { await LiveView.run(status) }
            }
            defer { group.cancelAll() }
            try await job()
        }
        guard !received.isInterrupt else {
            throw Halt(.interrupted, "Interrupted. The next start goes on from here.")
        }
    }

    /// The first signal drains, a second one ends the process where it is.
    private func listen(to stop: StopSignal, received: ReceivedSignal) async {
        for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
            let code = received.note(signal)
            guard !stop.isRequested else { exit(ExitCode.interrupted.rawValue) }
            logger.info("stopping", metadata: ["signal": "\(signal)"])
            stop.request()
            DispatchQueue.global().asyncAfter(deadline: .now() + JobRunner.patience) {
                exit(code)
            }
        }
    }
}
