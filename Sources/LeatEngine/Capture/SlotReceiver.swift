internal import LeatCatalogs
package import LeatCore
package import LeatFlow
package import PGClient
package import PGWire
internal import Synchronization

/// Receives the stream of a slot and makes batches of it.
///
/// Its thread waits in `poll` for the walsender. Status updates leave from here too: a caller
/// puts the positions down and wakes the thread, so that they go out while the applier is busy
/// or the channel is full.
package actor SlotReceiver: SessionActor, Closable {
    nonisolated let executor = ConnectionExecutor(label: "leat.receive", manner: .afterOthers)
    package nonisolated let interrupt = Interrupt()
    private nonisolated let pendingStatus = Mutex<StandbyStatusUpdate?>(nil)
    private nonisolated let isStopped = Atomic<Bool>(false)
    /// Who waits for a turn: not for the second that ``next()`` may wait for the server.
    private nonisolated let sendersWaiting = Atomic<Int>(0)

    private var session: Session?
    private var intake: StreamIntake?
    private var positions: SharedPosition?
    /// When the assembler's batch got its first whole transaction.
    private var batchBegan: ContinuousClock.Instant?
    /// When a batch that is held back is due; nil if only the applier can make it so.
    private var batchDue: ContinuousClock.Instant?
    private var unfollowed: [RelationID: TableName] = [:]
    /// Nothing is taken in until somebody has looked at them.
    private var notices: [ServerError] = []
    /// The server has ended the stream: it takes no more status updates.
    private var isRefused = false
    private var silentSince: ContinuousClock.Instant?

    /// PostgreSQL's `wal_receiver_timeout`: a server that hangs keeps its connections open.
    /// At half of it the server is asked for a word.
    static let silenceLimit: Duration = .seconds(60)
    /// Work for others waits no longer than this.
    private static let turn: Duration = .milliseconds(20)

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    package init() {}

    // MARK: The session

    /// The first of two steps, which needs to know nothing of the servers.
    package func open(_ conninfo: Conninfo, stream: StreamName) async throws {
        try await cancellable {
            session = try Session(
                conninfo,
                options: .init(
                    peer: .source, applicationName: stream.objectName, isReplication: true),
                interrupt: interrupt)
        }
    }

    package func prepare(clientEncoding: String) async throws {
        try await run { try $0.prepareReading(clientEncoding: clientEncoding) }
    }

    /// Runs `body` with the session, before the stream starts.
    package func run<Value: Sendable>(_ body: @Sendable (Session) throws -> Value) async throws
        -> Value
    {
        try await cancellable { try body(open()) }
    }

    private func open() -> Session {
        guard let session else { preconditionFailure("the receiver is not connected") }
        return session
    }

    package func close() {
        session?.close()
        session = nil
        intake = nil
    }

    // MARK: The stream

    /// What ``start(_:)`` needs.
    package struct Stream: Sendable {
        var slot: String
        var position: LSN
        var options: [(name: String, value: String)]
        var protocolVersion: Int
        var tables: FollowedTables
        var skipsTransactionsWithOrigin: Bool
        var keepsMessages: Bool
        /// So many streamed transactions are handed over in pieces, before they commit; more at a
        /// time are spooled.
        var piecesAtOnce: Int
        var spoolFolder: String
        var positions: SharedPosition
        /// What is compared on the way to the position; nil: the server begins there.
        var history: KnownHistory?

        /// By default transactions come whole, from where the server begins.
        package init(
            slot: String, position: LSN, options: [(name: String, value: String)],
            protocolVersion: Int, tables: FollowedTables, skipsTransactionsWithOrigin: Bool,
            keepsMessages: Bool = false, piecesAtOnce: Int = 0, spoolFolder: String,
            positions: SharedPosition, history: KnownHistory? = nil
        ) {
            self.slot = slot
            self.position = position
            self.options = options
            self.protocolVersion = protocolVersion
            self.tables = tables
            self.skipsTransactionsWithOrigin = skipsTransactionsWithOrigin
            self.keepsMessages = keepsMessages
            self.piecesAtOnce = piecesAtOnce
            self.spoolFolder = spoolFolder
            self.positions = positions
            self.history = history
        }
    }

    package func start(_ stream: Stream) async throws {
        silentSince = nil
        batchDue = nil
        isRefused = false
        positions = stream.positions
        intake = try StreamIntake(stream, gathering: open().gathering)
        try await run {
            try $0.startReplication(
                slot: stream.slot,
                from: min(stream.history?.start ?? stream.position, stream.position),
                options: stream.options)
        }
    }

    /// The slot is held by this stream: see ``MessageIntake/slotTaken(confirmed:)``.
    func slotTaken(confirmed: LSN) throws {
        try withIntake { try $0.messages.slotTaken(confirmed: confirmed) }
    }

    /// Ends the intake. What was received is still handed over.
    package nonisolated func stop() {
        isStopped.store(true, ordering: .releasing)
        interrupt.wake()
    }

    /// The sink has done a batch that a ``HandOver`` waited for.
    package nonisolated func sinkHasRoom() {
        interrupt.wake()
    }

    /// Sends a status update; ``next()`` makes way.
    nonisolated func send(_ status: StandbyStatusUpdate) async throws {
        pendingStatus.withLock { $0 = status }
        sendersWaiting.add(1, ordering: .sequentiallyConsistent)
        interrupt.wake()
        try await flushStatus()
    }

    private func flushStatus() async throws {
        try await cancellable {
            // Not before: the way to here may take a second turn.
            sendersWaiting.subtract(1, ordering: .sequentiallyConsistent)
            try sendPendingStatus()
        }
    }

    private func sendPendingStatus() throws {
        let status = pendingStatus.withLock { pending in
            defer { pending = nil }
            return pending
        }
        if let status, !isRefused { try session?.sendStatus(status) }
    }

    /// Tables seen in the stream that are not followed, each once.
    func takeUnfollowed() -> [RelationID: TableName] {
        defer { unfollowed = [:] }
        return unfollowed
    }

    /// What the server has said beside the stream, and how far the stream was read then. It goes
    /// on once this was asked for.
    func takeNotices() -> (notices: [ServerError], received: LSN) {
        defer { notices = [] }
        return (notices, withIntake { $0.messages.assembler.received })
    }

    /// The server will send no more of the stream. What was received is still handed over.
    func refused() -> LSN {
        isRefused = true
        stop()
        return withIntake { $0.messages.assembler.received }
    }

    /// Waits for a batch to hand over, for at most a second.
    ///
    /// Most of what arrives makes no batch yet, a piece of a streamed transaction never does.
    /// Then more is taken without going back to the caller, which costs two switches of threads;
    /// but not for long, because others wait for their turn.
    package func next() async throws -> Delivery {
        try await cancellable {
            let end = ContinuousClock.now + SlotReceiver.turn
            while true {
                try sendPendingStatus()
                if isStopped.load(ordering: .acquiring) {
                    return takeRest().map(Delivery.batch) ?? .ended
                }
                let taken = notices.isEmpty ? try assemble() : .noticed
                if taken == .ended { return .ended }
                if let batch = takeDueBatch() { return .batch(batch) }
                if taken == .noticed { return .nothing }
                if sendersWaiting.load(ordering: .sequentiallyConsistent) > 0 { return .nothing }
                if taken == .all, try !readMore() { return .nothing }
                if end <= .now { return .nothing }
            }
        }
    }

    /// Waits for more of the stream and takes it in; false if there is none yet.
    private func readMore() throws -> Bool {
        let session = open()
        let deadline = batchDue ?? .now + .seconds(1)
        let event = try session.waitForStream(until: deadline)
        try checkSilence(event)
        return try withIntake { intake in
            guard event == .readable else {
                if event == .deadline { intake.pace.fellSilent() }
                return false
            }
            try session.readStream(at: &intake.pace)
            return true
        }
    }

    private func checkSilence(_ event: Session.StreamEvent) throws {
        let now = ContinuousClock.now
        if event == .readable { silentSince = nil }
        // Only time spent reading counts: behind a full channel there is nothing to hear.
        guard event == .deadline else { return }
        let since = silentSince ?? now
        silentSince = since
        guard now - since > SlotReceiver.silenceLimit / 2 else { return }
        guard now - since <= SlotReceiver.silenceLimit else {
            throw Restart(reason: "the source has said nothing for \(SlotReceiver.silenceLimit)")
        }
        positions?.askForReply()
    }

    /// Works through what was received until a batch is full.
    private func assemble() throws -> Session.Taken {
        let session = open()
        return try withIntake { intake in
            let taken = try intake.takeAll(of: session)
            unfollowed.merge(intake.messages.assembler.takeUnfollowed()) { first, _ in first }
            if taken == .noticed { notices += session.takeWarnings() }
            return taken
        }
    }

    /// With the intake taken out of this object meanwhile.
    private func withIntake<Value>(_ body: (inout StreamIntake) throws -> Value) rethrows -> Value {
        guard var taken = intake.take() else {
            preconditionFailure("the stream has not started")
        }
        defer { intake = taken }
        return try body(&taken)
    }

    // MARK: Handing over

    /// The batch, if it should go now.
    private func takeDueBatch() -> Batch? {
        if let ready = takeReady() { return ready }
        batchDue = nil
        guard let situation = withIntake({ situation(&$0) }) else { return nil }
        switch HandOver.decide(situation, at: .now) {
        case .handOver:
            return takeBatch()
        case .keep(let due):
            batchDue = due
            return nil
        }
    }

    /// Nil if there is nothing to hand over.
    private func situation(_ intake: inout StreamIntake) -> HandOver.Situation? {
        guard let positions, !intake.messages.assembler.batch.transactions.isEmpty else {
            return nil
        }
        let commits = intake.messages.assembler.completeTransactions
        let since = (commits > 0 ? batchBegan : nil) ?? .now
        batchBegan = commits > 0 ? since : nil
        positions.receiverWillWait()
        return HandOver.Situation(
            bytes: intake.messages.assembler.batch.byteCount, isFull: intake.isFull(),
            commits: commits,
            since: since, underWay: positions.underWay, isBehind: intake.pace.isBehind,
            isCrowded: intake.pace.isCrowded)
    }

    /// What there is when the intake ends. The rest of a transaction that is still open will not
    /// come.
    private func takeRest() -> Batch? {
        if let ready = takeReady() { return ready }
        return withIntake { $0.messages.assembler.completeTransactions > 0 } ? takeBatch() : nil
    }

    private func takeReady() -> Batch? {
        guard let ready = withIntake({ $0.messages.assembler.takeReady() }) else { return nil }
        // What is put together now began after it.
        batchBegan = nil
        positions?.batchSent()
        return ready
    }

    private func takeBatch() -> Batch {
        batchBegan = nil
        positions?.batchSent()
        return withIntake { $0.messages.assembler.takeBatch() }
    }
}
