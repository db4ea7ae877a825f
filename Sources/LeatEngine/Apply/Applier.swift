internal import LeatArchive
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

    /// The position and where its row lies.
    struct Position: Sendable {
        var end: LSN
        var ctid: String
    }

    nonisolated let executor = ConnectionExecutor(label: "leat.apply")
    nonisolated let interrupt = Interrupt()
    nonisolated let stream: StreamName
    nonisolated let handling: ApplyHandling
    nonisolated let silence: Silence?
    private var session: Session?
    var position: Position?
    /// Another session of the stream is about to move the position.
    var isPositionLent = false
    /// Set for a session beside the one that holds the stream's lock.
    var sideNumber: Int?
    /// Set for one that applies a transaction in progress.
    var side: SideState?
    var statements: [Relation: RelationStatements] = [:]
    /// The newest of them by the relation's OID: most are found here, without hashing all columns.
    var newest: [RelationID: RelationStatements] = [:]
    /// Those of the batch at hand.
    var resolved: ResolvedBatch?
    /// Statements named so far, and how many of them are thrown away.
    var prepared = 0
    private var forgotten = 0
    nonisolated let leftOut: LeftOutColumns
    var knowledge: TableKnowledge
    /// By which numbers columns are known from the batch at hand on.
    var learned: [TableName: KnownColumns] = [:]
    /// What was known before the batch at hand: whoever finds its ways once more begins there.
    private var knownBefore:
        (columns: [RelationID: KnownColumns], learned: [TableName: KnownColumns]) = ([:], [:])
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
    /// Tables whose net changes failed, with the batches for which they stay in source order.
    private(set) var heldBack: [TableName: Int] = [:]
    /// So many batches are committed only after a look at each answer, because one was refused.
    private var batchesWatched = 0
    var positionStatements = PositionStatements()
    var flushWatch = FlushWatch()
    private(set) var maySeeFlushes = false
    /// Whether the session has `session_replication_role = replica`.
    private(set) var isReplica = false

    /// Of more prepared statements than this those unused longest are thrown away: plans take the
    /// server's memory, about 10 KiB each.
    private static let mostStatements = 4000
    private static let batchesHeldBack = 100

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
            position = Position(end: end, ctid: row.ctid)
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
    }

    // MARK: Batches

    /// - Parameter refused: Relations whose changes are not to be applied, and why: the
    ///   transactions before their first change are.
    func apply(_ batch: Batch, refusing refused: [RelationID: Halt] = [:]) async throws -> Applied {
        try await cancellable {
            try forgetOld()
            startBatch()
            var applied = Applied()
            let (relations, problem) = try resolve(batch, refused: refused)
            let fitting = problem.map { batch.prefix(beforeChange: $0.change) } ?? batch
            let budget = LockBudget(relations, most: mostLocks)
            for run in ApplyRun.split(fitting, within: budget) {
                try apply(run, of: fitting, into: &applied)
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
        if prepared - forgotten > Applier.mostStatements { try forgetResting() }
    }

    func startBatch() {
        staging.batch += 1
        knownBefore = (knowledge.knownColumns, learned)
        batchesWatched = max(0, batchesWatched - 1)
        heldBack = heldBack.compactMapValues { $0 > 1 ? $0 - 1 : nil }
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

    /// Of a batch with a row that may find no memory.
    private static let largeBytes = 32 << 20

    func apply(
        _ run: ApplyRun, of batch: Batch, into applied: inout Applied
    ) throws {
        precondition(
            isTransactionOpen || !batch.transactions[run.transactions.lowerBound].beganEarlier,
            "a piece of a transaction follows the pieces before it")
        if try applyAtOnce(run, of: batch) {
            return applied.count(run, of: batch, resolved: &openConflicts)
        }
        // A large value stands in the buffer for COPY once more, each byte of it perhaps escaped.
        if batch.byteCount > Applier.largeBytes { try Memory.require(2 * batch.byteCount) }
        if handling.foldsChanges, run.changes.count >= choice.worthFolding,
            try applyFolded(run, of: batch)
        {
            return applied.count(run, of: batch, resolved: &openConflicts)
        }
        try apply(inOrder: run, of: batch, into: &applied)
    }

    /// A few changes with their commit, in one trip to the target. If the server refuses anything,
    /// the same changes follow with a look at each answer before the commit.
    ///
    /// - Returns: Whether they were applied; if not, everything is as before.
    private func applyAtOnce(_ run: ApplyRun, of batch: Batch) throws -> Bool {
        guard run.end != nil, !isTransactionOpen, side == nil, batchesWatched == 0,
            choice.commitsAtOnce(run.changes.count)
        else { return false }
        let relations = try resolve(run, of: batch)
        // How many rows such a table takes does not say whether all is well.
        if relations.contains(where: { $0?.plan.target.mayLeaveOut ?? false }) { return false }
        do {
            try write(run, commitsAtOnce: true) { writer in
                try sendBegin(&writer)
                try writer.send(run.changes, of: batch, to: relations)
            }
            return true
        } catch let failure as ApplyFailure {
            try restartIfTransient(failure, of: run.transactions.count)
            try abandon()
            batchesWatched = Applier.batchesHeldBack
            return false
        }
    }

    /// Net changes first. If they meet anything unexpected the same changes follow in the
    /// source's order, which decides what is wrong with which of them.
    ///
    /// - Returns: Whether they were applied; if not, everything is as before.
    private func applyFolded(_ run: ApplyRun, of batch: Batch) throws -> Bool {
        let session = try open()
        let relations = try resolve(run, of: batch)
        let goesOn = isTransactionOpen
        let folded = FoldedWriter(
            session: session, batch: batch, relations: relations, choice: choice,
            isHeldBack: { heldBack[$0] != nil })
        do {
            try write(run) { writer in
                if goesOn {
                    try writer.send("savepoint leat_sets")
                } else {
                    try sendBegin(&writer)
                }
                try folded.send(run.changes, with: &writer, staging: &staging)
                if goesOn { try release("leat_sets", with: &writer) }
            }
            return true
        } catch let failure as ApplyFailure {
            try holdBack(folded, after: failure, of: run)
            guard goesOn else {
                try abandon()
                return false
            }
            guard failure.isBeforeCommit else {
                try abandon()
                throw failure.halt(batch, showsValues: handling.showsValues)
            }
            try rollBack(to: "leat_sets")
            return false
        }
    }

    /// The tables to blame for sets that failed stay in the source's order for a while.
    func holdBack(_ folded: FoldedWriter, after failure: ApplyFailure, of run: ApplyRun) throws {
        try restartIfTransient(failure, of: run.transactions.count)
        for table in folded.tables(blamedFor: failure) {
            heldBack[table] = Applier.batchesHeldBack
        }
    }

    func apply(
        inOrder run: ApplyRun, of batch: Batch, into applied: inout Applied
    ) throws {
        do {
            // Known already, unless an earlier run has failed and its statements were forgotten.
            let relations = try resolve(run, of: batch)
            try write(run) { writer in
                let piece = try sendBeginning(&writer)
                try writer.send(run.changes, of: batch, to: relations)
                if let piece { try release(piece, with: &writer) }
            }
            applied.count(run, of: batch, resolved: &openConflicts)
        } catch let failure as ApplyFailure {
            try retreat(from: failure, applying: run, of: batch)
            try retryAlone(after: failure, run, of: batch, into: &applied)
        }
    }

    /// Transactions that shared a target transaction are applied one by one, so that all before
    /// the one that fails are stored.
    private func retryAlone(
        after failure: ApplyFailure, _ run: ApplyRun, of batch: Batch, into applied: inout Applied
    ) throws {
        try restartIfTransient(failure, of: run.transactions.count)
        guard run.transactions.count > 1 else {
            try applyResolving(failure, of: run, in: batch)
            return applied.count(run, of: batch, resolved: &openConflicts)
        }
        for single in run.singles(batch) { try apply(inOrder: single, of: batch, into: &applied) }
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

    func forgetStatements() throws {
        try open().execute("deallocate all; discard temporary")
        statements.removeAll()
        newest.removeAll()
        resolved = nil
        positionStatements = PositionStatements()
        staging.removeAll()
        forgotten = prepared
    }

    /// Throws away the statements of the relations that changed least lately, a quarter of all.
    private func forgetResting() throws {
        var names: [String] = []
        for relation in statements.values.sorted(by: { $0.lastBatch < $1.lastBatch }) {
            names += relation.takeStatements()
            if names.count >= Applier.mostStatements / 4 { break }
        }
        // Those of sets are few, and go with their tables.
        guard !names.isEmpty else { return try forgetStatements() }
        try open().execute(names.map { "deallocate \($0)" }.joined(separator: ";"))
        forgotten += names.count
    }

    private func write(
        _ run: ApplyRun, commitsAtOnce: Bool = false,
        sending send: (inout BatchWriter) throws -> Void
    ) throws {
        var writer = try writer(commitsAtOnce: commitsAtOnce)
        try write(run, with: &writer, sending: send)
    }

    func writer(commitsAtOnce: Bool = false) throws -> BatchWriter {
        try BatchWriter(
            session: open(), prepared: prepared, defersConstraints: !isReplica,
            noting: handling.notesTruncates ? stream : nil, commitsAtOnce: commitsAtOnce)
    }

    /// The rest of what `writer` is to send for a run, its position and commit.
    func write(
        _ run: ApplyRun, with writer: inout BatchWriter,
        sending send: (inout BatchWriter) throws -> Void
    ) throws {
        defer { prepared = writer.prepared }
        let place: String?
        do {
            try send(&writer)
            if let last = run.end { try sendPosition(last, with: &writer) }
            if writer.commitsAtOnce { try writer.send("commit") }
            place = try writer.finish()
        } catch let failure as ApplyFailure {
            // Refused before it was sent: the pipeline's other answers are still to come.
            _ = try? writer.finish()
            throw failure
        }
        if writer.commitsAtOnce { return try committed(run, at: place) }
        try commit(run, at: place)
    }

    /// Not before it is known that each statement met the rows it should: a wrong count is no
    /// error to the server, which would go on and forget where to go back to.
    private func release(_ savepoint: String, with writer: inout BatchWriter) throws {
        try writer.pause()
        try writer.resume()
        try writer.send("release savepoint \(savepoint)")
    }

    /// - Returns: The savepoint before a later piece of a transaction, where one is needed.
    private func sendBeginning(_ writer: inout BatchWriter) throws -> String? {
        guard isTransactionOpen else {
            try sendBegin(&writer)
            return nil
        }
        guard handling.conflicts.resolvesAny else { return nil }
        try writer.send("savepoint \(Applier.pieceSavepoint)")
        return Applier.pieceSavepoint
    }

    func sendBegin(_ writer: inout BatchWriter) throws {
        staging.transaction += 1
        try writer.send("begin")
        if !isReplica { try writer.send("set constraints all deferred") }
        isTransactionOpen = true
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
