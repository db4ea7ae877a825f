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

    /// So long may it take until all is well again.
    private static let patience: SimulatedThread.Time = 120_000_000

    init(_ world: World) {
        self.world = world
    }

    func run() async throws {
        while !isOver, world.broken == nil {
            let process = SimulatedProcess(world)
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
            isOver = true
            guard let cause = process.cause else {
                return world.breaks(.stopsForCause, what: "without a cause: \(halt)")
            }
            guard halt.exitCode == .positionMismatch else {
                return world.breaks(.stopsForCause, what: "\(cause), and it says: \(halt)")
            }
        case .failed(let error):
            world.breaks(.stopsForCause, what: "it fails: \(error)")
        }
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
        guard let last = history.followed.last else { return world.target.state.row != nil }
        guard let slot = world.source.currentSlot(), let row = world.target.state.row else {
            return false
        }
        return slot.confirmed >= last.endLSN && row.position >= last.endLSN
    }
}
