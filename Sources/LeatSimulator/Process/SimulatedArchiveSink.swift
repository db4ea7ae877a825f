internal import LeatArchive
internal import LeatCore
internal import LeatFlow
internal import PGWire

/// The sink that is an ``ArchiveDisk``: does in the same order what `ArchiveWriter` does.
// SAFETY: of the simulation's one thread, as everything in it.
final class SimulatedArchiveSink: BatchSink, @unchecked Sendable {
    let process: SimulatedProcess
    /// A transaction that is not whole yet.
    private var open: [Batch] = []
    private let turn = SimulatedTurn()
    private let isSame: () -> Bool

    private var world: World { process.world }
    private var disk: ArchiveDisk { world.disk }

    init(_ process: SimulatedProcess) {
        self.process = process
        let source = process.world.source
        let before = source.timesReplaced
        isSame = { before == source.timesReplaced }
    }

    // MARK: Batches

    func apply(_ batch: Batch) async throws -> Applied {
        await turn.take()
        defer { turn.giveBack() }
        var applied = Applied()
        for index in batch.transactions.indices {
            try await process.travel()
            let transaction = batch.transactions[index]
            if !transaction.beganEarlier { open = [] }
            open.append(batch.suffix(from: index).prefix(1))
            guard transaction.isComplete else { continue }
            try append(transaction)
            applied.end = transaction.endLSN
            applied.commitTime = transaction.commitTime
            applied.transactions += 1
        }
        return applied
    }

    private func append(_ transaction: Transaction) throws {
        let rows = open.flatMap { $0.texts(of: 0) }
        let committed = World.Committed(
            rows: rows, commitLSN: transaction.commitLSN, endLSN: transaction.endLSN)
        if let number = World.number(of: committed) {
            try disk.append(
                .init(
                    number: number, pieces: open, commitLSN: transaction.commitLSN,
                    endLSN: transaction.endLSN, last: LastTransaction(transaction)))
            world.note("appends \(rows)")
            world.checkRecorded(committed)
        }
        open = []
    }

    // MARK: Positions

    func store(_ wanted: LSN) async throws -> LSN? {
        await turn.take()
        defer { turn.giveBack() }
        try process.check()
        guard let position = disk.files.position else { throw Lost() }
        let boundary = disk.frames.last?.endLSN ?? position.beginning
        let end = max(open.isEmpty ? max(wanted, boundary) : boundary, position.end)
        guard end > position.end || disk.frames.count != position.frames else { return end }
        try await process.travel()
        if !world.isSabotaged(by: .confirmsBeforeTheDiskHasIt) { disk.synchroniseFrames() }
        try await process.travel()
        world.note("the archive stores \(end)")
        disk.replace { files in
            files.position?.end = end
            files.position?.frames = disk.frames.count
        }
        if isSame() { world.check(end, against: disk.state) }
        try await process.travel()
        disk.synchroniseFolder()
        return end
    }

    func rollBack() async throws {
        try process.check()
        open = []
    }

    // MARK: Retention

    /// Removes what a target has, now and then.
    func prune() async throws {
        var retention = Retention(bytes: 0)
        retention.ignoresReaders = world.isSabotaged(by: .removesWhatIsStillNeeded)
        while true {
            try await world.thread.sleep(
                SimulatedThread.Time(world.thread.number(below: 400_000)))
            await turn.take()
            defer { turn.giveBack() }
            try process.check()
            guard let beginning = disk.removable(retention) else { continue }
            world.note("the archive begins at \(beginning)")
            disk.remove(before: beginning)
            world.checkRemoved(before: beginning)
            try await process.travel()
            disk.synchroniseFolder()
        }
    }
}
