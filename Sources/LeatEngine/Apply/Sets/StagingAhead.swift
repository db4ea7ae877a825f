internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// Lets two sessions take turns with batches that go through staging tables: while one applies a
/// batch, the other one stages the next.
///
///     main      stage 1 - apply 1 - commit 1 - stage 3 - - - apply 3 ...
///     second              stage 2 - - - - - - apply 2 - commit 2 - stage 4 ...
///
/// Batches are applied and committed in the stream's order, each in a transaction of its own that
/// moves the position: a crash leaves what it leaves with one session. The position is one row of
/// the target; the right to move it (``PositionToken``) is handed on from turn to turn.
///
/// Two tasks use it. One calls ``stage(_:)`` and, when no turn is out, uses the main session for
/// all that does not fit; the other one calls ``apply(_:)``.
actor StagingAhead: Closable {
    /// A batch, and the session that has staged it.
    struct Turn: Sendable {
        let batch: Batch
        fileprivate let session: Applier
    }

    private let main: Applier
    private let conninfo: Conninfo
    private let encoding: String
    private var second: Applier?
    /// The sessions that stage, have staged or apply a batch, in the order of the batches.
    private var turns: [Applier] = []
    /// What the main session knew of the tables when it last staged.
    private var knowledge: TableKnowledge
    private var isMarked = false
    /// The position, between the turn before and the next; nil while a session has it.
    private var position: PositionToken?
    private var isStoring = false
    private var isDurableWanted = false
    /// So many batches go without, because one has failed.
    private var rest = 0
    private var lastUse = ContinuousClock.now

    /// Fewer changes are done sooner than a second session could have begun.
    private static let fewestChanges = 500
    private static let batchesOfRest = 100
    /// A second session that was not used for so long is closed.
    private static let idleLife: Duration = .seconds(60)

    init(_ conninfo: Conninfo, beside main: Applier, encoding: String) {
        self.conninfo = conninfo
        self.main = main
        knowledge = TableKnowledge(leftOut: main.leftOut)
        self.encoding = encoding
    }

    /// Whether a batch may be worth it: a cheap question.
    static func mayStage(_ batch: Batch) -> Bool {
        batch.changes.count >= fewestChanges && batch.piece == nil
            && batch.transactions.allSatisfy { !$0.beganEarlier && $0.isComplete }
    }

    // MARK: Batches

    /// Stages a batch in the session that does not have the turn.
    ///
    /// - Returns: Nil if that cannot be done, or is not worth it.
    func stage(_ batch: Batch) async throws -> Turn? {
        precondition(turns.count < 2, "a turn has ended before the next but one begins")
        guard rest == 0, !isStoring else {
            rest = max(0, rest - 1)
            return nil
        }
        let session = turns.isEmpty || turns[0] !== main ? main : second ?? another
        // Before anything is waited for: from here on nobody else moves the position.
        turns.append(session)
        guard try await stage(batch, in: session) else {
            turns.removeLast()
            // The turn before may have ended meanwhile, and left the position to this one.
            if turns.isEmpty { await settle() }
            return nil
        }
        return Turn(batch: batch, session: session)
    }

    private func stage(_ batch: Batch, in session: Applier) async throws -> Bool {
        guard session !== main else {
            guard try await main.stage(batch) else { return false }
            knowledge = await main.knowledge
            isMarked = await main.marksOrigin
            return true
        }
        if second == nil, try await !open(session) { return false }
        return try await session.stage(batch, knowing: knowledge)
    }

    /// Applies a batch whose turn it is.
    func apply(_ turn: Turn) async throws -> Applied {
        precondition(turns.first === turn.session, "the turns are in the stream's order")
        let isDurable = isDurableWanted
        isDurableWanted = false
        let session = turn.session
        var applied = try await session.applyStaged(at: position.take(), isDurable: isDurable)
        if applied == nil {
            rest = StagingAhead.batchesOfRest
            applied = try await applyAnew(turn)
        }
        position = await session.handOver()
        turns.removeFirst()
        lastUse = .now
        SpareBatches.shared.keep(turn.batch)
        if turns.isEmpty { await settle() }
        guard let applied else { preconditionFailure("it was applied one way or the other") }
        return applied
    }

    /// By the same session, for the other one may have staged the next.
    private func applyAnew(_ turn: Turn) async throws -> Applied {
        do {
            return try await turn.session.apply(turn.batch)
        } catch is Applier.NewDefinition {
            throw Restart(reason: "a table was changed on the target")
        }
    }

    // MARK: The main session by itself

    /// After the last turn the main session has the position again.
    private func settle() async {
        guard let moved = position.take() else { return }
        await main.takeOver(moved)
    }

    /// As the main session does, or, while batches take turns, with the next one's commit.
    func store(_ wanted: LSN) async throws -> LSN? {
        guard turns.isEmpty else {
            isDurableWanted = true
            return nil
        }
        isStoring = true
        defer { isStoring = false }
        try await closeIdle()
        return try await main.store(wanted)
    }

    // MARK: The second session

    private var another: Applier {
        Applier(stream: main.stream, handling: main.handling, silence: main.silence)
    }

    /// - Returns: Whether there is a second session now; if not, that is no reason to stop.
    private func open(_ session: Applier) async throws -> Bool {
        do {
            try await session.connectAside(
                conninfo, number: Applier.secondNumber, encoding: encoding, isMarked: isMarked)
        } catch {
            await session.close()
            guard error is ConnectionError || error is Restart else { throw error }
            rest = StagingAhead.batchesOfRest
            return false
        }
        second = session
        return true
    }

    private func closeIdle() async throws {
        guard let idle = second, .now - lastUse > StagingAhead.idleLife else { return }
        second = nil
        try? await idle.leave()
        await idle.close()
    }

    /// The end of a stream, in good order.
    func end() async {
        // Without this its origin stays, for the next second session.
        try? await second?.leave()
        await close()
    }

    func close() async {
        await second?.close()
        second = nil
    }
}
