internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging

extension Failure {
    /// What to do about an error that has ended a run of a job.
    init(ofJob error: any Error, wasConnected: Bool) {
        switch error {
        case let restart as Restart: self = .retry(Retry(reason: restart.reason))
        case let error as ArchiveError: self = .halt(Halt(writing: error))
        default: self.init(error, wasConnected: wasConnected)
        }
    }
}

extension JobLoop {
    init(status: JobStatus, stop: StopSignal, logger: Logger) {
        self.init(status: status, stop: stop, logger: logger) { error, wasConnected in
            Failure(ofJob: error, wasConnected: wasConnected)
        }
    }
}
