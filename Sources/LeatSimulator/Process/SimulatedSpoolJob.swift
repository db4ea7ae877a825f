internal import LeatFlow

/// Two job loops in one process, as `SpoolJob` has them: one records, the other one follows.
struct SimulatedSpoolJob {
    let process: SimulatedProcess

    func run() async throws -> Flow.Ending? {
        let spool = SimulatedSpool(process)
        let jobs = JobPair(clock: process.world.clock)
        return try await jobs.run(
            until: process.stop,
            bringing: {
                try await spool.waitUntilOpen()
                try await record(spool, until: jobs.bringing)
            }, taking: { try await follow(spool, until: jobs.taking) }, waking: { spool.open() })
    }

    private func record(_ spool: SimulatedSpool, until stop: StopSignal) async throws {
        guard spool.isBegun else { return }
        let run = SimulatedRecording(
            process: process, spool: spool, stop: stop, status: JobStatus())
        let loop = process.loop(run.status, until: stop)
        _ = try await loop.run { connected in
            try await spool.waitUntilOpen()
            return try await run.run(connected: connected)
        }
    }

    private func follow(
        _ spool: SimulatedSpool, until stop: StopSignal
    ) async throws -> Flow.Ending? {
        let run = SimulatedRun(process, stop: stop, spool: spool)
        return try await process.loop(process.status, until: stop).run { connected in
            if spool.isBegun { connected() }
            do { return try await run.run(connected: connected) } catch {
                if spool.isBegun { spool.open() }
                throw error
            }
        }
    }
}
