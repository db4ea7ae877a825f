internal import LeatFlow

/// Two job loops in one process, as `SpoolJob` has them: one records, the other one follows.
struct SimulatedSpoolJob {
    let process: SimulatedProcess
    private var world: World { process.world }

    private enum TaskEnd: Sendable {
        case stopAsked, waitedLong, recorded
        case followed(Flow.Ending?)
    }

    private static let patience: SimulatedThread.Time = 3_000_000

    func run() async throws -> Flow.Ending? {
        let (recording, following) = (StopSignal(), StopSignal())
        let spool = SimulatedSpool(process)
        return try await withThrowingTaskGroup(of: TaskEnd.self) { group in
            group.addTask {
                await process.stop.wait()
                return .stopAsked
            }
            group.addTask {
                try await spool.waitUntilOpen()
                try await record(spool, until: recording)
                return .recorded
            }
            group.addTask { .followed(try await follow(spool, until: following)) }
            var (isRecorded, isFollowed) = (false, false)
            var ending: Flow.Ending?
            while !(isRecorded && isFollowed), let end = try await group.next() {
                switch end {
                case .stopAsked:
                    recording.request()
                    group.addTask {
                        try await world.thread.sleep(SimulatedSpoolJob.patience)
                        return .waitedLong
                    }
                    spool.open()
                case .recorded:
                    isRecorded = true
                    following.request()
                case .waitedLong:
                    following.request()
                case .followed(let how):
                    (isFollowed, ending) = (true, how)
                    recording.request()
                    spool.open()
                }
            }
            group.cancelAll()
            return ending
        }
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
