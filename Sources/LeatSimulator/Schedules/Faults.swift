internal import LeatFlow
internal import PGWire

/// What goes wrong, and when: drawn, until the workload is over.
struct Faults {
    let world: World
    let operation: Operation
    private var thread: SimulatedThread { world.thread }

    func run() async throws {
        guard world.schedule.faultPause > 0 else { return }
        while true {
            try await pause()
            strike()
        }
    }

    private func pause() async throws {
        try await thread.sleep(
            SimulatedThread.Time(thread.number(below: world.schedule.faultPause)))
    }

    private func strike() {
        switch thread.number(below: world.schedule.job == .sync ? 9 : 11) {
        case 0:
            world.noteFault("the connection to the source is cut")
            world.source.cutAll()
        case 1:
            world.noteFault("the connections to the target are cut")
            world.target.cutAll()
        case 2, 3:
            // Between any two of its steps.
            thread.ring(after: thread.number(below: 60)) { [world, operation] in
                world.noteFault("the process is killed")
                operation.process?.kill()
            }
        case 4:
            world.noteFault("the target crashes")
            world.target.crash()
        case 5:
            world.noteFault("the source crashes")
            world.source.crash()
        case 6:
            world.noteFault("the target refuses")
            world.refusals += 1
        case 7:
            world.note("stop")
            operation.process?.stop.request()
        case 9:
            world.noteFault("the machine of the archive goes down")
            operation.process?.kill()
            world.disk.crash()
        case 10:
            fillDisk()
        default:
            world.noteFault("the target is away")
            let world = world
            world.target.isAway = true
            world.target.cutAll()
            world.spawn {
                defer { world.target.isAway = false }
                try await world.thread.sleep(
                    SimulatedThread.Time(world.thread.number(below: 2_000_000)))
            }
        }
    }

    private func fillDisk() {
        world.noteFault("the disk of the archive is full")
        world.timesFull += 1
        world.disk.isFull = true
        let world = world
        world.spawn {
            defer { world.disk.isFull = false }
            try await world.thread.sleep(
                SimulatedThread.Time(world.thread.number(below: 1_000_000)))
        }
    }

    /// What strikes once.
    func disaster() async throws {
        guard let disaster = world.schedule.disaster else { return }
        try await sleepLong()
        switch disaster {
        case .slotLost:
            world.noteFault("the slot is lost")
            world.source.loseSlot()
            world.source.cutAll()
        case .failOver:
            let written = world.source.history.flushed.rawValue
            let end = world.source.history.records.last {
                $0.end.rawValue + UInt64(thread.number(below: 200)) <= written
            }
            world.noteFault("a standby takes over that ends at \(end?.end ?? .zero)")
            world.source.failOver(at: end?.end ?? world.source.history.flushed)
        case .sourceRestored:
            let copy = world.source.copy()
            try await sleepLong()
            world.noteFault("the source comes back from a copy of its disk")
            world.source.restore(copy)
        case .targetRestored:
            let state = world.target.durable
            try await sleepLong()
            world.noteFault("the target comes back from a copy of its disk")
            world.target.restore(state)
        }
    }

    private func sleepLong() async throws {
        try await thread.sleep(SimulatedThread.Time(thread.number(below: 600_000)))
    }
}
