internal import LeatCore
internal import LeatFlow
internal import PGWire

/// The sink that is a ``TargetServer``. It keeps to what ``BatchSink`` says of a sink, in as many ways
/// as the target of a database does.
// SAFETY: of the simulation's one thread, as everything in it.
final class SimulatedSink: BatchSink, @unchecked Sendable {
    /// A transaction that is open on the target.
    private struct Open {
        var xid: TransactionID
        var rows: [String] = []
        /// Savepoints, and how many rows were there.
        var savepoints: [(xid: TransactionID, rows: Int)] = []
    }

    private struct Begun: BegunBatch {
        let sink: SimulatedSink
        let batch: Batch

        func apply() async throws -> Applied { try await sink.apply(batch) }
    }

    let client: TargetClient
    /// Where the stream's row is, if nobody else has moved it.
    var position: LSN
    /// In which way what is given is applied.
    var ladder: ApplyLadder
    /// What is in the open target transaction of a try.
    var pending: [World.Committed] = []
    /// It is still the source and the target that the run began with.
    private let isSame: () -> Bool
    /// What comes is an archive's.
    private let isSpooled: Bool
    let turn = SimulatedTurn()
    /// Of the session that holds the stream's lock; and those of transactions in progress.
    private var open: Open?
    private var inProgress: [Open] = []
    private var flushes = FlushWatch()
    private var swapped: Batch?

    var world: World { client.process.world }
    var thread: SimulatedThread { world.thread }

    init(_ client: TargetClient, at position: LSN, isSpooled: Bool = false) {
        self.isSpooled = isSpooled
        self.client = client
        self.position = position
        ladder = ApplyLadder(
            .init(folds: true, resolves: false, choice: SetChoice(roundTrip: .zero)))
        let (source, target) = (client.process.world.source, client.process.world.target)
        let before = (source.timesReplaced, target.timesRestored)
        isSame = {
            (isSpooled || before.0 == source.timesReplaced) && before.1 == target.timesRestored
        }
    }

    // MARK: Batches

    func begin(_ batch: Batch) async throws -> (any BegunBatch)? {
        guard world.schedule.beginsAhead, batch.piece == nil, !batch.goesOnWithin,
            batch.transactions.allSatisfy(\.isComplete), thread.once(in: 2)
        else { return nil }
        try await client.process.travel()
        try client.check()
        return Begun(sink: self, batch: batch)
    }

    func apply(_ batch: Batch) async throws -> Applied {
        try await pause()
        if world.isSabotaged(by: .leavesOutWhatWasRefused), world.takeRefusal() { return Applied() }
        if world.isSabotaged(by: .swapsBatches) { return try await swap(batch) }
        return try await take(batch)
    }

    /// A target may take long.
    private func pause() async throws {
        guard thread.once(in: 10) else { return }
        try await thread.sleep(SimulatedThread.Time(thread.number(below: 700_000)))
    }

    private func swap(_ batch: Batch) async throws -> Applied {
        guard let first = swapped else {
            guard batch.piece == nil, thread.once(in: 6) else { return try await take(batch) }
            swapped = batch
            return Applied()
        }
        swapped = nil
        _ = try await take(batch)
        return try await take(first)
    }

    private func take(_ batch: Batch) async throws -> Applied {
        var ended: [Ended] = []
        for (index, transaction) in batch.transactions.enumerated() {
            let rows =
                batch.piece.map { add($0, in: batch, of: transaction) } ?? add(batch, at: index)
            guard let rows else { continue }
            let committed = World.Committed(
                rows: rows, commitLSN: transaction.commitLSN, endLSN: transaction.endLSN)
            if transaction.isComplete {
                ended.append(Ended(committed: [committed], transaction: transaction))
            } else if let last = ended.indices.last {
                // A piece that is not to be committed yet.
                ended[last].committed.append(committed)
            }
        }
        guard batch.transactions.contains(where: \.isComplete) else {
            try await client.process.travel()
            try client.check()
            return Applied()
        }
        return try await bring(ended)
    }

    /// - Returns: The rows of the transaction, if it ends here.
    private func add(_ batch: Batch, at index: Int) -> [String]? {
        let transaction = batch.transactions[index]
        var current = open ?? Open(xid: transaction.xid)
        if !transaction.beganEarlier { current = Open(xid: transaction.xid) }
        current.rows += batch.texts(of: index)
        let ends = transaction.isComplete || isPieceCommitted
        open = ends ? nil : current
        return ends ? current.rows : nil
    }

    private var isPieceCommitted: Bool { world.isSabotaged(by: .commitsAPiece) }

    private func add(
        _ piece: StreamedPiece, in batch: Batch, of transaction: Transaction
    ) -> [String]? {
        var current = Open(xid: piece.xid)
        if let index = inProgress.firstIndex(where: { $0.xid == piece.xid }) {
            current = inProgress.remove(at: index)
        }
        guard !piece.isAborted else { return nil }
        if let subxid = piece.rollsBackTo,
            let savepoint = current.savepoints.lastIndex(where: { $0.xid == subxid })
        {
            if !world.isSabotaged(by: .keepsWhatWasRolledBack) {
                current.rows.removeSubrange(current.savepoints[savepoint].rows...)
            }
            current.savepoints.removeSubrange(savepoint...)
        }
        for sub in piece.subtransactions {
            current.savepoints.append((sub.xid, current.rows.count + sub.firstChange))
        }
        current.rows += batch.texts(of: 0)
        guard !transaction.isComplete else { return current.rows }
        inProgress.append(current)
        return nil
    }

    /// `update leat.progress ... where end_lsn = $old` meets one row.
    func checkIsOurs(_ server: TargetServer, before: LSN) throws {
        guard !world.isSabotaged(by: .skipsTheGuardOfThePosition) else { return }
        let stored = server.state.row?.position
        guard stored == before else { throw PositionElsewhere(stored: stored, own: before) }
    }

    func move(
        _ server: TargetServer, whole: [World.Committed], to end: LSN, last: LastTransaction,
        isSynchronous: Bool = false
    ) {
        world.note("commits \(whole.flatMap(\.rows)) to \(end)")
        server.commit(isSynchronous: isSynchronous) { state in
            world.commit(whole, into: &state)
            state.row?.position = end
            state.row?.last = last
        }
        check(server, end: end)
    }

    private func check(_ server: TargetServer, end: LSN) {
        guard isSame() else { return }
        world.check(
            end, against: server.state, last: isSpooled ? world.disk.number(at: end) : nil)
    }

    // MARK: Positions

    func store(_ wanted: LSN) async throws -> LSN? {
        await turn.take()
        defer { turn.giveBack() }
        if open != nil { return nil }
        let before = position
        let end = max(wanted, before)
        if !world.isSabotaged(by: .storesNothing) {
            try await client.ask { [self] server in
                do { try checkIsOurs(server, before: before) } catch { throw SimulatedSink.another }
                world.note("stores \(end)")
                server.commit(isSynchronous: true) { $0.row?.position = end }
                check(server, end: end)
            }
            position = end
        }
        return end
    }

    func durable() async throws -> LSN? {
        guard world.schedule.seesDurable else { return nil }
        await turn.take()
        defer { turn.giveBack() }
        let position = position
        let (inserted, flushed) = try await client.ask { ($0.insertPlace, $0.flushPlace) }
        flushes.look(position: position, inserted: inserted, flushed: flushed)
        return flushes.durable
    }

    func rollBack() async throws {
        try client.check()
        open = nil
        inProgress = []
    }
}

extension Batch {
    /// The values of the rows of a transaction.
    func texts(of index: Int) -> [String] {
        let end =
            index + 1 < transactions.count ? transactions[index + 1].firstChange : changes.count
        return changes[transactions[index].firstChange..<end].compactMap { change in
            columns(of: change.new).first.flatMap(text)
        }
    }
}
