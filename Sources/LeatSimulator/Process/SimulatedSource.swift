internal import LeatCore
internal import LeatFlow
internal import PGWire

/// The source that is a slot of a ``SourceServer``: `SlotReceiver` with ``MessageIntake`` and the
/// assembler as they are, and what is handed over when is drawn.
// SAFETY: of the simulation's one thread, as everything in it.
final class SimulatedSource: BatchSource, @unchecked Sendable {
    let client: SourceClient
    private let positions: SharedPosition
    private var intake: MessageIntake
    /// What streamed transactions have sent, until they commit.
    private var kept: [(xid: TransactionID, messages: [(body: [UInt8], lsn: LSN)])] = []
    private var replaying: (xid: TransactionID, next: Int)?
    private var isStopped = false
    private let timesRestored: Int
    private let confirmedAtStart: LSN
    /// Looks at what is about to be confirmed.
    private let check: (LSN) -> Void
    private(set) var reported = LSN.zero
    /// Of the last transaction that came whole.
    private(set) var lastEnd: LSN?

    private var world: World { client.process.world }
    private var thread: SimulatedThread { world.thread }

    init(
        _ client: SourceClient, positions: SharedPosition, from start: SimulatedStart,
        piecesAtOnce: Int, check: @escaping (LSN) -> Void
    ) {
        self.client = client
        self.positions = positions
        self.check = check
        timesRestored = client.process.world.target.timesRestored
        confirmedAtStart = start.confirmed
        let table = FollowedTables.Table(
            name: TableName(SimulatedTable.followed), snapshot: .zero)
        intake = MessageIntake(
            TransactionAssembler(
                decoder: MessageDecoder(protocolVersion: 2, parallelStreaming: false),
                tables: FollowedTables([SimulatedTable.followed.id: table]),
                position: start.position, history: start.history, piecesAtOnce: piecesAtOnce,
                tellsRepetitions: true), positions: positions)
    }

    /// As `SlotStart` does it.
    func start(at position: LSN) async throws {
        positions.sourceEndRead(try await client.ask { $0.history.flushed })
        while try await client.ask({ $0.isSlotInUse }) { try await thread.sleep(50_000) }
        let streamsBeyond = world.schedule.streamsBeyond
        try await client.ask { [client] server in
            guard !server.isSlotInUse else { throw Restart(reason: "the slot is in use") }
            server.start(client.session, at: position, streamsBeyond: streamsBeyond)
        }
        let confirmed = try await client.ask { $0.currentSlot()?.confirmed }
        guard !world.isSabotaged(by: .skipsTheLookAtTheTakenSlot) else { return }
        try intake.slotTaken(confirmed: confirmed ?? .zero)
    }

    /// The furthest end that the server has named.
    var heard: LSN { positions.with { $0.heard } }

    // MARK: Receiving

    func next() async throws -> Delivery {
        await thread.giveWay()
        for _ in 0..<thread.number(in: 1...8) {
            try client.check()
            if isStopped {
                let rest = takeRest()
                world.note(rest == nil ? "the source ends" : "the source gives its rest")
                return rest.map(Delivery.batch) ?? .ended
            }
            if let ready = intake.assembler.takeReady() { return .batch(sent(ready)) }
            guard try receive() else {
                if isDue(in: 2) { return .batch(takeBatch()) }
                try await waitForMore()
                return .nothing
            }
        }
        return isDue(in: 3) ? .batch(takeBatch()) : .nothing
    }

    private func isDue(in count: Int) -> Bool {
        guard !intake.assembler.hasReady, !intake.assembler.batch.transactions.isEmpty else {
            return false
        }
        positions.receiverWillWait()
        // A piece of one that is not whole leaves where a batch is full.
        return thread.once(in: intake.assembler.completeTransactions > 0 ? count : count * 4)
    }

    private func waitForMore() async throws {
        let id = thread.nextID()
        client.session.waiter = id
        defer { client.session.waiter = nil }
        let wait: SimulatedThread.Time =
            intake.assembler.batch.transactions.isEmpty ? 1_000_000 : 20_000
        try await thread.sleep(until: thread.now + wait, id: id)
    }

    /// False if there is nothing more for now.
    private func receive() throws -> Bool {
        if let replaying {
            try replay(replaying.xid, from: replaying.next)
            return true
        }
        guard let payload = world.source.payload(client.session) else { return false }
        switch try intake.take(payload.span.bytes) {
        case .none:
            noteCommits()
        case .keep(let xid, let lsn):
            keep(Array(payload.dropFirst(XLogData.headerSize)), at: lsn, of: xid)
        case .discard(let xid):
            discard(xid)
        case .replay(let xid):
            replaying = (xid, 0)
        }
        if payload.first == UInt8(ascii: "k"), world.isSabotaged(by: .forgetsWhatIsInFlight) {
            positions.with { state in
                let heard = state.heard
                state = PositionState(startingAt: state.position, confirmed: state.durable)
                state.keepaliveReceived(walEnd: heard)
            }
        }
        return true
    }

    private func noteCommits() {
        guard intake.commits > 0 else { return }
        intake.commits = 0
        let last = intake.assembler.batch.transactions.last(where: \.isComplete)
        lastEnd = last?.endLSN ?? lastEnd
    }

    private func keep(_ body: [UInt8], at lsn: LSN, of xid: TransactionID) {
        if let index = kept.firstIndex(where: { $0.xid == xid }) {
            kept[index].messages.append((body, lsn))
        } else {
            kept.append((xid, [(body, lsn)]))
        }
    }

    private func discard(_ xid: TransactionID) {
        kept.removeAll { $0.xid == xid }
    }

    private func replay(_ xid: TransactionID, from next: Int) throws {
        var messages = kept.first { $0.xid == xid }?.messages ?? []
        if world.isSabotaged(by: .forgetsWhatWasKept), messages.count > 3 { messages.removeLast() }
        guard next < messages.count else {
            replaying = nil
            discard(xid)
            try intake.finishReplay()
            return noteCommits()
        }
        replaying = (xid, next + 1)
        let message = messages[next]
        try intake.replay(message.body.span.bytes, at: message.lsn)
    }

    // MARK: Handing over

    private func takeBatch() -> Batch { sent(intake.assembler.takeBatch()) }

    private func sent(_ batch: Batch) -> Batch {
        positions.batchSent()
        if let end = batch.transactions.last(where: \.isComplete)?.endLSN { lastEnd = end }
        return batch
    }

    private func takeRest() -> Batch? {
        guard !world.isSabotaged(by: .stopsWithoutStoring) else { return nil }
        if let ready = intake.assembler.takeReady() { return sent(ready) }
        return intake.assembler.completeTransactions > 0 ? takeBatch() : nil
    }

    // MARK: BatchSource

    func stop() {
        isStopped = true
        sinkHasRoom()
    }

    func sinkHasRoom() {
        if let waiter = client.session.waiter { thread.wake(waiter) }
    }

    func writtenEnd() async throws -> LSN? {
        try await client.ask { $0.history.flushed }
    }

    func report(_ status: PositionState.Status, asksForReply: Bool) async throws {
        await thread.giveWay()
        try client.check()
        let flushed =
            world.isSabotaged(by: .confirmsWhatIsReceived) ? status.written : status.flushed
        if flushed > confirmedAtStart, timesRestored == world.target.timesRestored {
            check(flushed)
        }
        reported = flushed
        guard !world.isSabotaged(by: .neverConfirms) else { return }
        world.note("confirms \(flushed)")
        world.source.report(client.session, flushed: flushed)
    }
}
