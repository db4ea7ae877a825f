internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// Writes batches to the target, each source transaction exactly once.
///
/// Owns the session that holds the stream's lock. Every target transaction ends at the end of a
/// source transaction and moves the position in `leat.progress`; several source transactions may
/// share one. After a crash the row says what is there.
///
/// Commits are asynchronous; ``store(_:)`` makes a synchronous one, which takes all before it
/// along, and only then is anything confirmed to the source.
actor Applier: SessionActor, Closable {
    /// What shapes the values that the source sends.
    struct SourceForm: Sendable {
        var types: TypeCatalog
        var columns: [RelationID: [SourceColumn]] = [:]
        var definitions: [RelationID: TableDefinition] = [:]
        var isBinary: Bool
        /// Decides what follows if a column that joins is not safe in binary form.
        var transfer = TransferForm(.off)
    }

    nonisolated let executor = ConnectionExecutor(label: "leat.apply")
    nonisolated let interrupt = Interrupt()
    nonisolated let stream: StreamName
    nonisolated let handling: ApplyHandling
    nonisolated let silence: Silence?
    private var session: Session?
    /// Nil while another session of the stream moves the position.
    var position: PositionToken?
    /// The end of what was applied when this session last knew.
    var reached: LSN?
    /// Set for a session beside the one that holds the stream's lock.
    var sideNumber: Int?
    /// Set for one that applies a transaction in progress.
    var side: SideState?
    let cache = StatementCache()
    nonisolated let leftOut: LeftOutColumns
    var knowledge: TableKnowledge
    /// By which numbers columns are known from the batch at hand on.
    var learned = Lessons()
    /// What was known before the batch at hand: whoever finds its ways once more begins there.
    private var knownBefore: (columns: [RelationID: KnownColumns], learned: Lessons) = (
        [:], Lessons()
    )
    var isTransactionOpen = false
    /// Conflicts resolved in the open transaction.
    var openConflicts: [ConflictCount] = []
    private(set) var marksOrigin = false
    private(set) var choice = SetChoice(roundTrip: .zero)
    /// Of a target transaction that several of the source share.
    private(set) var mostLocks = 1
    var staging = StagingTables(areAllowed: false)
    /// Staged before its turn.
    var staged: StagedBatch?
    var ladder = ApplyLadder(
        .init(folds: false, resolves: false, choice: SetChoice(roundTrip: .zero)))
    var flushWatch = FlushWatch()
    private(set) var maySeeFlushes = false
    /// Whether the session has `session_replication_role = replica`.
    private(set) var isReplica = false

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    init(
        stream: StreamName, handling: ApplyHandling = ApplyHandling(), silence: Silence? = nil
    ) {
        self.stream = stream
        self.handling = handling
        self.silence = silence
        leftOut = LeftOutColumns()
        knowledge = TableKnowledge(leftOut: leftOut)
    }

    /// Runs `body` with the session, on its thread. Cancellation ends its waits.
    func run<Value: Sendable>(_ body: @Sendable (Session) throws -> Value) async throws -> Value {
        try await cancellable { try body(try open()) }
    }

    func open() throws -> Session {
        guard let session else { preconditionFailure("the applier is not connected") }
        return session
    }

    // MARK: The session

    func connect(_ conninfo: Conninfo, own: OwnBackend = OwnBackend()) async throws {
        try await cancellable {
            let session = try openSession(conninfo)
            try StreamLock(session: session, stream: stream).take(own: own)
        }
    }

    func openSession(_ conninfo: Conninfo) throws -> Session {
        let session = try Session(
            conninfo,
            options: .init(
                peer: .target, applicationName: stream.objectName, silence: silence),
            interrupt: interrupt)
        self.session = session
        try session.prepare()
        isReplica = try ApplySession.configure(session, as: handling.role)
        try SessionZone(assumed: handling.assumedZone, stream: stream).set(session)
        return session
    }

    func close() {
        session?.close()
        session = nil
    }

    /// Marks what the session writes from here on as the stream's, where the role may.
    func markOrigin() async throws {
        try await cancellable { _ = try setUpOrigin(try open()) }
    }

    /// The same, where nothing may be written without.
    func requireMark() async throws {
        try await cancellable { try OriginMark.require(try setUpOrigin(try open())) }
    }

    /// - Parameter side: The number of a side session, which needs an origin of its own.
    func setUpOrigin(_ session: Session, side: Int? = nil) throws -> OriginMark.State {
        guard !marksOrigin else { return .set }
        let mark = try OriginMark(session: session, stream: stream, part: side.map { .side($0) })
            .setUp()
        marksOrigin = mark == .set
        return mark
    }

    /// Begins to apply at the stored position.
    ///
    /// - Returns: Whether the transactions are marked with an origin.
    func start(
        at end: LSN, from source: SourceForm, following followed: FollowedTables
    ) async throws -> OriginMark.State {
        knowledge.sourceTypes = source.types
        knowledge.followed = followed
        knowledge.sourceForm = source
        knowledge.sourceColumns = source.columns
        knowledge.definitions = source.definitions
        for id in followed.ids { knowledge.agreed[id] = followed[id]?.definition }
        return try await cancellable {
            let session = try open()
            knowledge.targetTypes = try session.typeCatalog()
            let mark = try setUpOrigin(session)
            try session.execute("set synchronous_commit = off")
            try prepareSets(session)
            maySeeFlushes = try session.query(Applier.maySeeFlushes).bool()
            flushWatch = FlushWatch()
            let store = ProgressStore(session: session, stream: stream)
            guard
                let row = try session.transaction(
                    beginning: "begin", { try store.readForUpdate() }),
                row.stored.endLSN == end
            else { throw Restart(reason: "the stored position changed") }
            position = PositionToken(foundAt: end, ctid: row.ctid)
            reached = end
            return mark
        }
    }

    func prepareSets(_ session: Session) throws {
        try session.execute(SetStatements.planSettings)
        let mayStage = try session.query(
            "select pg_catalog.has_database_privilege(pg_catalog.current_database(), 'temporary')"
        ).bool()
        staging = StagingTables(areAllowed: mayStage)
        mostLocks = try LockBudget.most(of: session)
        let clock = ContinuousClock()
        let trips = try (0..<3).map { _ in try clock.measure { try session.execute("select") } }
        choice = SetChoice(roundTrip: trips.min() ?? .zero)
        ladder = ApplyLadder(
            .init(
                folds: handling.foldsChanges, resolves: handling.conflicts.resolvesAny,
                choice: choice))
    }

    // MARK: Batches

    /// - Parameter refused: Relations whose changes are not to be applied, and why: the
    ///   transactions before their first change are.
    func apply(_ batch: Batch, refusing refused: [RelationID: Halt] = [:]) async throws -> Applied {
        try await cancellable {
            try forgetOld()
            startBatch()
            var applied = Applied()
            var (fitting, problem) = try resolveFirst(batch, refused: refused)
            if let problem { fitting.batch = batch.prefix(beforeChange: problem.change) }
            let budget = LockBudget(fitting.relations, most: mostLocks)
            for run in ApplyRun.split(fitting.batch, within: budget) {
                try apply(run, of: &fitting, into: &applied)
            }
            // Not before what came before is applied: it is read by what was known then.
            try keepLearned(as: problem?.settled)
            if let problem { throw problem.halt }
            return applied
        }
    }

    /// Statements and staging tables that should not live on, before a batch.
    func forgetOld() throws {
        guard !isTransactionOpen else { return }
        if staging.areOld { try forgetStatements() }
        if cache.isFull, try !cache.deallocateResting(on: open()) { try forgetStatements() }
    }

    private func resolveFirst(
        _ batch: Batch, refused: [RelationID: Halt]
    ) throws -> (ResolvedBatch, Problem?) {
        do { return try resolve(batch, refused: refused) } catch let new as NewDefinition {
            try unlearn()
            throw new
        }
    }

    func startBatch() {
        staging.batch += 1
        learned.batchBegan()
        knownBefore = (knowledge.knownColumns, learned)
        ladder.batchBegan()
    }

    /// Drops what an unfinished source transaction has brought so far.
    func rollBack() async throws {
        try await cancellable {
            guard isTransactionOpen else { return }
            try open().execute("rollback")
            isTransactionOpen = false
            openConflicts = []
        }
    }

    /// Leaves the session as after a rollback. What was prepared in the failed pipeline may or
    /// may not be there, so none of it counts.
    func abandon() throws {
        let session = try open()
        try session.execute("rollback")
        isTransactionOpen = false
        openConflicts = []
        // A later description of the batch has taught what an earlier one must not know.
        (knowledge.knownColumns, learned) = knownBefore
        try forgetStatements()
    }

    /// A batch of which nothing was applied comes once more: its first descriptions must not be read
    /// by what its later ones have taught.
    func unlearn() throws {
        guard !isTransactionOpen, knowledge.knownColumns != knownBefore.columns else { return }
        (knowledge.knownColumns, learned) = knownBefore
        try forgetStatements()
    }

    func forgetStatements() throws {
        try cache.deallocateAll(on: open())
        staging.removeAll()
    }
}

extension Applied {
    /// - Parameter resolved: Conflicts of the open transaction; taken once it is committed.
    mutating func count(
        _ run: ApplyRun, of batch: Batch, resolved: inout [ConflictCount]
    ) {
        changes += run.changes.count
        guard let last = run.end else { return }
        conflicts += resolved
        resolved = []
        transactions += run.transactions.count
        end = last.endLSN
        commitTime = last.commitTime
    }
}
