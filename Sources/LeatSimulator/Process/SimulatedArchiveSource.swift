internal import LeatCore
internal import LeatFlow
internal import PGWire

/// The source that is an ``ArchiveDisk``: follows what is recorded, as `ArchiveSource` does.
// SAFETY: of the simulation's one thread, as everything in it.
final class SimulatedArchiveSource: BatchSource, @unchecked Sendable {
    private let process: SimulatedProcess
    private let positions: SharedPosition
    private let archive: Int
    /// The next transaction, and the next of its pieces.
    private var place: (frame: Int, piece: Int)
    private var isStopped = false
    private var looksLeft = 2
    private let timesRestored: Int

    private var world: World { process.world }
    private var disk: ArchiveDisk { world.disk }

    init(_ process: SimulatedProcess, positions: SharedPosition, at position: LSN) {
        self.process = process
        self.positions = positions
        archive = process.world.disk.lastArchive
        let frames = process.world.disk.frames
        place = (frames.firstIndex { $0.endLSN > position } ?? frames.count, 0)
        timesRestored = process.world.target.timesRestored
    }

    // MARK: Reading

    func next() async throws -> Delivery {
        for _ in 0..<world.thread.number(in: 1...8) {
            await world.thread.giveWay()
            try process.check()
            guard !isStopped else { return try lastLook() }
            if let batch = try read() { return .batch(batch) }
            try await world.thread.sleep(
                SimulatedThread.Time(world.thread.number(in: 2000...50_000)))
        }
        return .nothing
    }

    private func lastLook() throws -> Delivery {
        guard looksLeft > 0 else { return .ended }
        looksLeft -= 1
        return try read().map(Delivery.batch) ?? .ended
    }

    private func read() throws -> Batch? {
        guard let position = disk.begun, disk.lastArchive == archive else {
            throw Restart(reason: "the spool was begun anew")
        }
        guard place.frame < position.frames else {
            positions.with { $0.keepaliveReceived(walEnd: position.end) }
            return nil
        }
        guard place.frame >= position.removed else {
            throw Halt(.positionMismatch, "The archive begins after what is to be read.")
        }
        var batch = takePiece()
        while batch.transactions.last?.isComplete == true, place.frame < position.frames,
            place.piece == 0, disk.frames[place.frame].pieces.count == 1, world.thread.once(in: 2)
        {
            batch.append(takePiece())
        }
        positions.batchSent()
        return batch
    }

    private func takePiece() -> Batch {
        let frame = disk.frames[place.frame]
        let piece = frame.pieces[place.piece]
        let isLast = place.piece + 1 == frame.pieces.count
        place = isLast ? (place.frame + 1, 0) : (place.frame, place.piece + 1)
        positions.with { state in
            if isLast { state.commitReceived(end: frame.endLSN) } else { state.transactionBegan() }
        }
        return piece
    }

    // MARK: BatchSource

    func stop() { isStopped = true }
    func sinkHasRoom() {}

    func report(_ status: PositionState.Status, asksForReply: Bool) async throws {
        let end =
            world.isSabotaged(by: .registersWhatIsNotDurable) ? status.written : status.flushed
        try await register(end)
    }

    func register(_ end: LSN) async throws {
        try await process.travel()
        guard disk.lastArchive == archive, end > disk.files.reader ?? .zero else { return }
        if timesRestored == world.target.timesRestored { world.check(confirmed: end) }
        world.note("the target registers \(end)")
        disk.replace { $0.reader = end }
        try await process.travel()
        disk.synchroniseFolder()
    }
}
