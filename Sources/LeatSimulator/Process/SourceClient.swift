internal import PGWire

/// What a process asks the source, and how it gets its answer, or not.
struct SourceClient {
    let process: SimulatedProcess
    let session: SourceServer.Session

    private var world: World { process.world }

    init(_ process: SimulatedProcess) async throws {
        try await process.travel()
        self.process = process
        session = process.world.source.connect()
    }

    func check() throws {
        try process.check()
        if session.isLost { throw Lost() }
    }

    func ask<Value>(_ body: (SourceServer) throws -> Value) async throws -> Value {
        try await process.travel()
        try check()
        let value = try body(world.source)
        try await process.travel()
        try check()
        return value
    }

    /// The walsender notices after a while.
    func close() {
        let (world, session) = (world, session)
        guard !session.isLost else { return }
        world.spawn {
            defer { world.source.cut(session) }
            let most = world.thread.once(in: 4) ? 400_000 : 30_000
            try await world.thread.sleep(
                20_000 + SimulatedThread.Time(world.thread.number(below: most)))
        }
    }
}
