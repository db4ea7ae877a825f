internal import PGWire

/// What a process asks the target.
struct TargetClient {
    let process: SimulatedProcess
    let session: TargetServer.Session

    private var world: World { process.world }

    init(_ process: SimulatedProcess) async throws {
        try await process.travel()
        guard !process.world.target.isAway else { throw Lost() }
        self.process = process
        session = process.world.target.connect()
    }

    func check() throws {
        try process.check()
        if session.isLost { throw Lost() }
    }

    /// What is asked may be done although its answer never comes: at once, or later, while the
    /// client is gone.
    func ask<Value: Sendable>(
        _ body: @escaping @Sendable (TargetServer) throws -> Value
    ) async throws -> Value {
        do {
            try await process.travel()
            try check()
        } catch {
            if world.thread.once(in: 2) { doWithoutClient(body) }
            throw error
        }
        let value = try body(world.target)
        try await process.travel()
        try check()
        return value
    }

    private func doWithoutClient<Value: Sendable>(
        _ body: @escaping @Sendable (TargetServer) throws -> Value
    ) {
        let (world, session) = (world, session)
        guard !session.isEnded, !session.isBusy else { return }
        session.isBusy = true
        world.note("a statement is under way without its client")
        world.spawn {
            defer { world.target.end(session) }
            try await world.thread.sleep(SimulatedThread.Time(world.thread.number(below: 60_000)))
            // Of a server that has crashed since nothing is left.
            guard !session.isEnded else { return }
            _ = try body(world.target)
        }
    }

    /// The stream's lock. A backend of a predecessor has it until it has ended.
    func lock() async throws {
        while true {
            let isLocked = try await ask { [session] in $0.lock(session) }
            if isLocked || world.isSabotaged(by: .skipsTheGuardOfThePosition) { return }
            try await world.thread.sleep(10_000)
        }
    }

    func close() {
        let (world, session) = (world, session)
        guard !session.isEnded, !session.isBusy else { return }
        guard session.isLost || process.isKilled else { return world.target.end(session) }
        world.spawn {
            defer { if !session.isBusy { world.target.end(session) } }
            try await world.thread.sleep(SimulatedThread.Time(world.thread.number(below: 40_000)))
        }
    }
}
