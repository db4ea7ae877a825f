internal import LeatCore
internal import PGClient
internal import PGWire
internal import Synchronization

/// Receives the stream of a slot and makes batches of it.
///
/// Its thread waits in `poll` for the walsender. Status updates leave from here too: a caller
/// puts the positions down and wakes the thread, so that they go out while the applier is busy
/// or the channel is full.
actor SlotReceiver: SessionActor {
    /// What ``next()`` brings.
    enum Delivery: Sendable {
        case batch(Batch)
        case nothing
        /// The server ended the stream, or ``stop()`` was called.
        case ended
    }

    struct Limits {
        /// A batch is handed over at this size,
        var batchBytes = 1 << 20
        /// or at this age while the applier is busy, or at once when it is not.
        var batchAge: Duration = .milliseconds(20)
        /// Bytes taken from libpq at a time.
        var gulpBytes = 1 << 20
    }

    private nonisolated let executor = ConnectionExecutor(label: "leat.receive")
    nonisolated let interrupt = Interrupt()
    private nonisolated let pendingStatus = Mutex<StandbyStatusUpdate?>(nil)
    private nonisolated let isStopped = Atomic<Bool>(false)

    private let limits = Limits()
    private var session: Session?
    private var assembler: TransactionAssembler?
    private var positions: SharedPosition?
    private var spool: Spool?
    private var replay: (reader: SpoolReader, transaction: TransactionID)?
    private var payloads = PayloadBatch()
    private var nextPayload = 0
    private var batchBegan: ContinuousClock.Instant?
    private var keepalives = KeepalivePolicy()
    private var unfollowed: [RelationID: TableName] = [:]
    private var silentSince: ContinuousClock.Instant?

    /// PostgreSQL's `wal_receiver_timeout`: a server that hangs keeps its connections open.
    /// At half of it the server is asked for a word.
    static let silenceLimit: Duration = .seconds(60)

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    // MARK: The session

    func connect(_ conninfo: Conninfo, stream: StreamName, clientEncoding: String) async throws {
        try await cancellable {
            let session = try Session(
                conninfo,
                options: .init(
                    peer: .source, applicationName: stream.objectName, isReplication: true),
                interrupt: interrupt)
            try session.prepare(clientEncoding: clientEncoding)
            self.session = session
        }
    }

    /// Runs `body` with the session, before the stream starts.
    func run<Value: Sendable>(_ body: @Sendable (Session) throws -> Value) async throws -> Value {
        guard let session else { preconditionFailure("the receiver is not connected") }
        return try await cancellable { try body(session) }
    }

    func close() {
        session?.close()
        session = nil
        replay = nil
        spool = nil
    }

    // MARK: The stream

    /// What ``start(_:)`` needs.
    struct Stream: Sendable {
        var slot: String
        var position: LSN
        var options: [(name: String, value: String)]
        var protocolVersion: Int
        var tables: FollowedTables
        var skipsTransactionsWithOrigin: Bool
        var spoolFolder: String
        var positions: SharedPosition
    }

    func start(_ stream: Stream) async throws {
        spool = try Spool(folder: stream.spoolFolder)
        silentSince = nil
        positions = stream.positions
        assembler = TransactionAssembler(
            decoder: MessageDecoder(
                protocolVersion: stream.protocolVersion, parallelStreaming: false),
            tables: stream.tables, position: stream.position,
            skipsTransactionsWithOrigin: stream.skipsTransactionsWithOrigin)
        try await run {
            try $0.startReplication(
                slot: stream.slot, from: stream.position, options: stream.options)
        }
    }

    /// Ends the intake. What was received is still handed over.
    nonisolated func stop() {
        isStopped.store(true, ordering: .releasing)
        interrupt.wake()
    }

    /// The applier has nothing to do.
    nonisolated func applierIsIdle() {
        interrupt.wake()
    }

    /// Puts a status update down for sending; ``flushStatus()`` or ``next()`` sends it.
    nonisolated func post(_ status: StandbyStatusUpdate) {
        pendingStatus.withLock { $0 = status }
        interrupt.wake()
    }

    func flushStatus() async throws {
        try await cancellable { try sendPendingStatus() }
    }

    private func sendPendingStatus() throws {
        let status = pendingStatus.withLock { pending in
            defer { pending = nil }
            return pending
        }
        if let status { try session?.sendStatus(status) }
    }

    /// Tables seen in the stream that are not followed, each once.
    func takeUnfollowed() -> [RelationID: TableName] {
        defer { unfollowed = [:] }
        return unfollowed
    }

    /// Waits for a batch to hand over, for at most a second.
    ///
    /// Most of what arrives makes no batch yet, a piece of a streamed transaction never does.
    /// Then more is taken without going back to the caller, which costs two switches of threads;
    /// but not for long, because ``flushStatus()`` waits for its turn.
    func next() async throws -> Delivery {
        try await cancellable {
            let end = ContinuousClock.now + limits.batchAge
            while true {
                try sendPendingStatus()
                if isStopped.load(ordering: .acquiring) {
                    return takeBatch(ifAny: true).map(Delivery.batch) ?? .ended
                }
                var outcome = ReceiveOutcome.received
                if replay == nil, nextPayload == payloads.count { outcome = try fillPayloads() }
                if outcome == .ended { return .ended }
                try assemble()
                if let batch = takeBatch(ifAny: false) { return .batch(batch) }
                if outcome != .received || end <= .now { return .nothing }
            }
        }
    }

    private func fillPayloads() throws -> ReceiveOutcome {
        guard let session else { preconditionFailure("the receiver is not connected") }
        payloads.removeAll(keepingCapacity: payloads.byteCount <= 4 * limits.gulpBytes)
        nextPayload = 0
        let now = ContinuousClock.now
        let deadline = batchBegan.map { $0 + limits.batchAge } ?? now + .seconds(1)
        let outcome = try session.receive(
            into: &payloads, upTo: limits.gulpBytes, until: max(deadline, now))
        try checkSilence(outcome)
        return outcome
    }

    private func checkSilence(_ outcome: ReceiveOutcome) throws {
        let now = ContinuousClock.now
        if outcome == .received { silentSince = nil }
        // Only time spent reading counts: behind a full channel there is nothing to hear.
        guard outcome == .deadline else { return }
        let since = silentSince ?? now
        silentSince = since
        guard now - since > SlotReceiver.silenceLimit / 2 else { return }
        guard now - since <= SlotReceiver.silenceLimit else {
            throw Restart(reason: "the source has said nothing for \(SlotReceiver.silenceLimit)")
        }
        positions?.askForReply()
    }

    /// Works through what was received until a batch is full.
    private func assemble() throws {
        while assembledBytes < limits.batchBytes {
            if let replay {
                guard try replayNext(replay.reader) else {
                    try finishReplay(replay.transaction)
                    continue
                }
            } else if nextPayload < payloads.count {
                nextPayload += 1
                try take(payloads.payload(at: nextPayload - 1))
            } else {
                break
            }
        }
        unfollowed.merge(assembler?.takeUnfollowed() ?? [:]) { first, _ in first }
    }

    private var assembledBytes: Int { assembler?.batch.byteCount ?? 0 }

    private func take(_ payload: RawSpan) throws {
        let decoded: ReplicationPayload
        do { decoded = try ReplicationPayload(decoding: payload) } catch {
            throw StreamError(.malformed(error), at: .zero)
        }
        switch decoded {
        case .keepalive(let keepalive):
            try take(keepalive)
        case .xLogData(let data):
            let body = payload.extracting(XLogData.headerSize..<payload.byteCount)
            try take(body, at: data.walStart)
        }
    }

    private func take(_ keepalive: Keepalive) throws {
        guard let positions else { preconditionFailure("the stream has not started") }
        let hasUnconfirmed = positions.with { state in
            state.keepaliveReceived(walEnd: keepalive.walEnd)
            return state.hasUnconfirmed
        }
        guard keepalive.replyRequested else { return }
        positions.wantReply()
        let isUrgent = keepalives.replyRequested(
            walEnd: keepalive.walEnd, hasUnconfirmed: hasUnconfirmed, at: .now)
        if isUrgent {
            throw Restart(
                reason:
                    "the source asks again and again for what is not stored yet, as in a shutdown")
        }
    }

    private func take(_ body: RawSpan, at lsn: LSN) throws {
        guard let action = try assembler?.receive(body, at: lsn) else { return }
        switch action {
        case .none:
            break
        case .began:
            positions?.with { $0.transactionBegan() }
        case .committed(let end, let isEmpty):
            committed(end: end, isEmpty: isEmpty)
        case .spool(let transaction):
            try spool?.append(body, at: lsn, to: transaction)
            FailPoint.midStream.reached()
        case .discard(let transaction):
            spool?.discard(transaction)
        case .replay(let transaction):
            positions?.with { $0.transactionBegan() }
            if let reader = try spool?.reader(transaction) { replay = (reader, transaction) }
        }
    }

    private func replayNext(_ reader: SpoolReader) throws -> Bool {
        try reader.next { body, lsn in try assembler?.replay(body, at: lsn) }
    }

    private func finishReplay(_ transaction: TransactionID) throws {
        replay = nil
        spool?.discard(transaction)
        if case .committed(let end, let isEmpty) = try assembler?.finishReplay() {
            committed(end: end, isEmpty: isEmpty)
        }
    }

    private func committed(end: LSN, isEmpty: Bool) {
        positions?.with { state in
            isEmpty ? state.emptyCommitReceived(end: end) : state.commitReceived(end: end)
        }
    }

    // MARK: Handing over

    private func takeBatch(ifAny: Bool) -> Batch? {
        guard let assembler, let positions, !assembler.batch.transactions.isEmpty else {
            return nil
        }
        let now = ContinuousClock.now
        let began = batchBegan ?? now
        batchBegan = began
        let isFull = assembler.batch.byteCount >= limits.batchBytes
        let isDue =
            assembler.completeTransactions > 0
            && (ifAny || positions.isDrainedOrWakes() || began + limits.batchAge <= now)
        guard isFull || isDue else {
            // Without a whole transaction there is nothing that its age could make due.
            if assembler.completeTransactions == 0 { batchBegan = nil }
            return nil
        }
        batchBegan = nil
        positions.batchSent()
        return self.assembler?.takeBatch()
    }
}
