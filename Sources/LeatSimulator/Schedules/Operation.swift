internal import LeatCore
internal import LeatFlow

/// Whoever keeps Leat running: starts it again after each end, and stops it when there is nothing
/// more to do. What needs a person ends it.
// SAFETY: of the simulation's one thread.
final class Operation: @unchecked Sendable {
    private let world: World
    private(set) var process: SimulatedProcess?
    private var isFinishing = false
    private var isOver = false
    /// The last process was to go without the spool, and could not.
    private var needsSpool = false

    /// So long may it take until all is well again.
    private static let patience: SimulatedThread.Time = 120_000_000

    init(_ world: World) {
        self.world = world
    }

    func run() async throws {
        while !isOver, world.broken == nil {
            let isSpooled =
                world.schedule.job == .spool
                && (needsSpool || isFinishing || !world.thread.once(in: 5))
            let process = SimulatedProcess(world, isSpooled: isSpooled)
            self.process = process
            let task = Task(executorPreference: world.thread) { await process.run() }
            process.task = task
            world.note("a process starts")
            let outcome = await withTaskCancellationHandler {
                await task.value
            } onCancel: {
                process.kill()
            }
            self.process = nil
            judge(outcome, of: process)
            try await world.thread.sleep(
                SimulatedThread.Time(world.thread.number(below: 500_000)))
        }
    }

    private func judge(_ outcome: SimulatedProcess.Outcome, of process: SimulatedProcess) {
        switch outcome {
        case .killed:
            break
        case .ended(let ending):
            world.note("it ends: \(ending == nil ? "rolled back" : "drained")")
            guard isFinishing, ending != nil else { return }
            isOver = true
            world.checkEnd()
        case .halted(let halt):
            world.note("it halts: \(halt.message)")
            needsSpool = false
            if isMended(halt, of: process) { return }
            isOver = true
            guard let cause = process.cause else {
                return world.breaks(.stopsForCause, what: "without a cause: \(halt)")
            }
            // A spool of a stream that the target does not know is somebody's.
            let isForeign = halt.exitCode == .configuration && process.isSpooled
            guard halt.exitCode == .positionMismatch || isForeign else {
                return world.breaks(.stopsForCause, what: "\(cause), and it says: \(halt)")
            }
        case .failed(let error):
            world.breaks(.stopsForCause, what: "it fails: \(error)")
        }
    }

    /// Whether somebody has done what it says, so that the next start goes on.
    private func isMended(_ halt: Halt, of process: SimulatedProcess) -> Bool {
        if halt.exitCode == .localDisk {
            guard world.timesFull > 0 else { return false }
            world.disk.isFull = false
            return true
        }
        guard world.schedule.job == .spool, !process.isSpooled,
            halt.exitCode == .positionMismatch, world.target.state.row?.mark != nil,
            world.target.timesRestored == 0, world.source.timesReplaced == 0
        else { return false }
        needsSpool = true
        return true
    }

    // MARK: The end

    /// Nothing more is written and nothing more goes wrong: what is there now has to come.
    func finish() async throws {
        let last = world.thread.now + Operation.patience
        while !isOver, !isSettled {
            guard world.thread.now < last else {
                return world.breaks(.goesOn, what: "the target is not there after two minutes")
            }
            try await world.thread.sleep(200_000)
        }
        isFinishing = true
        while !isOver {
            // Anywhere else a stop ends it without looking at what comes.
            if let process, process.status.snapshot.phase == .streaming {
                world.note("the last stop")
                process.stop.request()
            }
            try await world.thread.sleep(300_000)
        }
    }

    private var isSettled: Bool {
        let history = world.source.history
        guard let last = history.followed.last else { return world.last.row != nil }
        guard let slot = world.source.currentSlot(), let row = world.last.row else {
            return false
        }
        return slot.confirmed >= last.endLSN && row.position >= last.endLSN
    }
}
