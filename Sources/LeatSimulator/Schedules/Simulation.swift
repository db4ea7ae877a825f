/// One schedule: everything in it follows from its seed.
///
///     source ── walsender ──► intake, assembler ── Flow ──► target
///        │                                                    │
///     faults: cut, killed, crashed, away, restored, replaced, lost
///
/// The job loop, the flow with its positions and its hold point, the intake and the assembler, and the
/// decisions of a start are those of the product. The servers are models, which know what of them is
/// on a disk.
package struct Simulation {
    /// How one has ended.
    package struct Result: Sendable {
        package var broken: BrokenPromise?
        package var steps: Int
        /// Empty unless asked for.
        package var trace: [String]
        /// Changes with anything that happened.
        package var digest: UInt64
    }

    let seed: UInt64
    let sabotage: Sabotage?

    package init(seed: UInt64, sabotage: Sabotage? = nil) {
        self.seed = seed
        self.sabotage = sabotage
    }

    /// Many more than any needs.
    private static let mostSteps = 400_000

    package func run(isTraced: Bool = false) -> Result {
        let thread = SimulatedThread(seed: seed)
        let world = World(thread, sabotage: sabotage, isTraced: isTraced)
        let operation = Operation(world)
        let progress = Progress()
        let main = Task(executorPreference: thread) {
            defer { progress.isOver = true }
            try await Self.run(in: world, operation: operation)
        }
        switch thread.run(
            steps: Self.mostSteps, until: { progress.isOver || world.broken != nil })
        {
        case .over: break
        case .standsStill: world.breaks(.goesOn, what: "nobody can go on")
        case .tooLong: world.breaks(.goesOn, what: "it does not end")
        }
        let digest = thread.digest
        main.cancel()
        world.cancelAll()
        _ = thread.run(steps: Self.mostSteps, until: { false })
        return Result(
            broken: world.broken, steps: thread.steps, trace: world.trace ?? [], digest: digest)
    }

    // SAFETY: of the simulation's one thread.
    private final class Progress: @unchecked Sendable {
        var isOver = false
    }

    private static func run(in world: World, operation: Operation) async throws {
        let faults = Faults(world: world, operation: operation)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await operation.run() }
            group.addTask {
                try await withThrowingTaskGroup(of: Void.self) { trouble in
                    trouble.addTask { try await faults.run() }
                    trouble.addTask { try await faults.disaster() }
                    try await Workload(world: world).run()
                    trouble.cancelAll()
                    while !trouble.isEmpty {
                        do { try await trouble.next() } catch is CancellationError {}
                    }
                }
                world.note("the workload is over")
                try await operation.finish()
            }
            try await group.waitForAll()
        }
    }
}
