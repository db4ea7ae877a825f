internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGWire

/// A connection broke, or what it led to is gone.
struct Lost: Error {}

/// One process of Leat, from its start to its end: the job loop, and in it runs as `leat sync` has
/// them.
// SAFETY: of the simulation's one thread, as everything in it.
final class SimulatedProcess: @unchecked Sendable {
    enum Outcome {
        case killed
        /// Nil: cancelled by a stop, and rolled back.
        case ended(Flow.Ending?)
        case halted(Halt)
        case failed(any Error)
    }

    let world: World
    let stop = StopSignal()
    let status = JobStatus()
    private(set) var isKilled = false
    var task: Task<Outcome, Never>?
    /// It was told of the spool.
    let isSpooled: Bool
    /// What a run has met that needs a person.
    private(set) var cause: String?

    init(_ world: World, isSpooled: Bool) {
        self.world = world
        self.isSpooled = isSpooled
    }

    func run() async -> Outcome {
        do {
            let ending = try await job()
            return isKilled ? .killed : .ended(ending)
        } catch let halt as Halt {
            return isKilled ? .killed : .halted(halt)
        } catch {
            return isKilled ? .killed : .failed(error)
        }
    }

    private func job() async throws -> Flow.Ending? {
        switch world.schedule.job {
        case .spool where isSpooled:
            return try await SimulatedSpoolJob(process: self).run()
        case .record:
            let run = SimulatedRecording(process: self, spool: nil, stop: stop, status: status)
            return try await loop(status, until: stop).run { try await run.run(connected: $0) }
        default:
            let run = SimulatedRun(self, stop: stop)
            return try await loop(status, until: stop).run { try await run.run(connected: $0) }
        }
    }

    func loop(_ status: JobStatus, until stop: StopSignal) -> JobLoop {
        JobLoop(
            status: status, stop: stop,
            logger: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() },
            clock: world.clock,
            jitter: { [self] in Double(world.thread.number(below: 1000)) / 1000 }
        ) { [self] error, _ in judge(error) }
    }

    /// As the process does it; see `Failure.init(_:wasConnected:)`.
    private func judge(_ error: any Error) -> Failure {
        world.note("run ends: \(error)")
        lookForCause(nil)
        lookForCause(world.target.state)
        switch error {
        case is ArchiveDisk.NoRoom where isSpooled: return .retry(.init(reason: "no room"))
        case is ArchiveDisk.NoRoom: return .halt(Halt(.localDisk, "no room"))
        case is Lost where world.isSabotaged(by: .haltsWhereItShouldTryAgain):
            return .halt(Halt(.source, "lost"))
        case is Lost: return .retry(.init(reason: "lost"))
        case let restart as Restart: return .retry(.init(reason: restart.reason))
        case let halt as Halt: return .halt(halt)
        case let error as StreamError:
            if case .anotherHistory(let halt) = error.code { return .halt(halt) }
            return .halt(Halt(.source, "\(error)"))
        default: return .halt(Halt(.internalError, "\(error)"))
        }
    }

    /// Servers may change again before the process has ended.
    ///
    /// - Parameter target: What the target has; nil: between the source and the archive.
    func lookForCause(_ target: TargetServer.State?) {
        if let target {
            guard world.schedule.job != .record else { return }
            cause = cause ?? world.causeToStop(target, beside: isSpooled ? world.disk.begun : nil)
        } else if world.schedule.job == .record || isSpooled && world.isSpoolInUse {
            cause = cause ?? world.causeToStop(world.disk.state)
        } else if isSpooled, world.disk.begun != nil {
            cause = cause ?? "the target went on without the spool, and was not asked"
        }
    }

    /// As a `kill -9`: from now on nothing that it does has an effect. What is left of its tasks only
    /// ends.
    func kill() {
        guard !isKilled else { return }
        isKilled = true
        task?.cancel()
    }

    func check() throws {
        if isKilled { throw Lost() }
    }

    /// A message on its way.
    func travel() async throws {
        switch world.thread.number(below: 4) {
        case 0: try await world.thread.sleep(SimulatedThread.Time(world.thread.number(below: 8000)))
        case 1: break
        default: await world.thread.giveWay()
        }
        try Task.checkCancellation()
        try check()
    }
}
