public import LeatCore
public import Logging
internal import PGWire

/// Runs a job, whatever its source and sink are, until it ends, is stopped, or meets something
/// that needs a person.
///
/// There is one way back from every lost connection: drop all, and begin again at "take the
/// stream". What was in flight is sent again by the source; what was committed without an answer
/// shows in the stored position.
public struct JobLoop: Sendable {
    /// What to do about an error that ended a run; `wasConnected`: everything that it connects to was
    /// reached before, in this run or an earlier one.
    public typealias Judge = @Sendable (_ error: any Error, _ wasConnected: Bool) -> Failure

    private let status: JobStatus
    private let stop: StopSignal
    private let logger: Logger
    private let clock: any JobClock
    private let jitter: @Sendable () -> Double
    private let judge: Judge

    /// - Parameters:
    ///   - status: Shows in which phase the job is.
    ///   - stop: Ends the loop, in order where a run is draining it.
    ///   - logger: Hears what is tried again, and why.
    ///   - clock: By which it waits.
    ///   - jitter: From 0 up to 1, another one for each wait.
    ///   - judge: What to do about an error.
    public init(
        status: JobStatus, stop: StopSignal, logger: Logger,
        clock: any JobClock = ContinuousClock(),
        jitter: @escaping @Sendable () -> Double = { .random(in: 0..<1) }, judge: @escaping Judge
    ) {
        self.status = status
        self.stop = stop
        self.logger = logger
        self.clock = clock
        self.jitter = jitter
        self.judge = judge
    }

    /// What a drain may take before it is cut short. The whole stop has 20 seconds.
    private static let drainLimit: Duration = .seconds(12)
    /// A run that lasted so long was a good one, even if there was nothing to do.
    private static let goodRun: Duration = .seconds(30)

    /// One run of the job; calls its argument once everything it connects to was reached.
    public typealias Run<Ending> = @Sendable (_ connected: () -> Void) async throws -> Ending

    /// - Returns: How the last run ended; nil if it was cancelled by a stop, and rolled back.
    /// - Throws: `Halt`; nothing else.
    public func run<Ending: Sendable>(_ once: @escaping Run<Ending>) async throws -> Ending? {
        defer { status.update { $0.phase = .stopping } }
        do {
            return try await withThrowingTaskGroup(of: Ending?.self) { group in
                group.addTask { try await runUntilDone(once) }
                group.addTask {
                    await stop.wait()
                    guard stop.isRequested, stop.drain() else { return nil }
                    try await clock.sleep(for: JobLoop.drainLimit)
                    logger.warning(
                        "the target did not take what was received in time; rolling back")
                    return nil
                }
                // Whichever ends first ends the other.
                var ending = try await group.next() ?? nil
                group.cancelAll()
                while !group.isEmpty {
                    do {
                        let other = try await group.next() ?? nil
                        ending = ending ?? other
                    } catch is CancellationError {
                        // Of the one that came second.
                    }
                }
                return ending
            }
        } catch is CancellationError where stop.isRequested {
            // Rolled back; the stored position stands.
            return nil
        }
    }

    private func runUntilDone<Ending>(_ once: Run<Ending>) async throws -> Ending {
        var retries = Retries()
        var advised: Set<String> = []
        var wasConnected = false
        while true {
            let (began, before) = (clock.now, Moved(status))
            do {
                return try await once { wasConnected = true }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                if Task.isCancelled { throw CancellationError() }
                if Moved(status) != before || clock.now - began > JobLoop.goodRun {
                    retries.progressed()
                    advised = []
                }
                try await handle(judge(error, wasConnected), retries: &retries, advised: &advised)
            }
        }
    }

    private func handle(
        _ failure: Failure, retries: inout Retries, advised: inout Set<String>
    ) async throws {
        switch failure {
        case .halt(let halt):
            throw halt
        case .retry(let retry) where stop.isRequested:
            // What is stored stands, and the rest comes with the next start.
            logger.warning("\(Self.sentence(retry.reason)) Stopping, so it is not tried again.")
            throw CancellationError()
        case .retry(let retry):
            let action = retries.failed(
                retry.reason, isRefusal: retry.ifLasting != nil,
                random: jitter(), at: clock.now)
            guard case .tryAgain(let wait, let isTold) = action else {
                throw retry.ifLasting ?? Halt(.internalError, retry.reason)
            }
            status.update { $0.phase = .waiting }
            if isTold { tell(retry, wait: wait, advised: &advised) }
            if wait > .zero { try await clock.sleep(for: wait) }
        }
    }

    private func tell(_ retry: Failure.Retry, wait: Duration, advised: inout Set<String>) {
        var text = Self.sentence(retry.reason)
        if let advice = retry.advice, advised.insert(advice).inserted { text += " \(advice)" }
        logger.warning("\(text) Trying again.", metadata: ["in": "\(wait)"])
    }

    /// libpq's words are whole sentences.
    private static func sentence(_ words: String) -> String {
        words.hasSuffix(".") ? words : "\(words)."
    }

    /// What a run has moved. One that has is as good as new: its end has nothing to do with the
    /// failures before it.
    private struct Moved: Equatable {
        private let position: LSN
        private let rowsApplied: Int
        private let tablesCopied: Int

        init(_ status: JobStatus) {
            let snapshot = status.snapshot
            position = snapshot.position
            rowsApplied = snapshot.rowsApplied
            tablesCopied = snapshot.copies.count { $0.isDone }
        }
    }
}
