internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// A batch that a session has staged before its turn, in an open transaction: nothing of the target
/// is read, locked or changed yet but the session's own staging tables.
struct StagedBatch {
    let batch: Batch
    let run: ApplyRun
    let folded: FoldedWriter
    let senders: [SetSender]
    var writer: BatchWriter
}

/// The two halves of applying a batch whose changes go through staging tables, for ``StagingAhead``.
///
///     first half:   fold - make staging tables - begin - stage by COPY
///     second half:  deletes, updates, few inserts - insert by COPY - position - commit
///
/// The first half may run while another session is still within the second half of the batch
/// before. So it must not see what that one changes, nor wait for it while that one may wait for
/// us: the tables of the target are only looked at (by the making of a staging table, which has
/// `LIKE`'s lock on them for as long as that takes) before the transaction begins.
///
/// What a crash between the two leaves is an open transaction that has done nothing.
extension Applier {
    /// Stages a batch, if that can be done and is worth it.
    ///
    /// - Parameter known: What is known of the tables, for a session that is not told otherwise.
    /// - Returns: Whether it is staged; if not, the session is as before.
    func stage(_ batch: Batch, knowing known: TableKnowledge? = nil) async throws -> Bool {
        try await cancellable {
            precondition(staged == nil, "a session has one batch at a time")
            guard !isTransactionOpen, handling.foldsChanges else { return false }
            if let known { knowledge = known }
            do {
                staged = try stageAtOnce(batch)
            } catch is NewDefinition {
            } catch is Halt {
            } catch is ApplyFailure {
                try abandon()
            }
            guard staged != nil else {
                // Whoever applies it has to find its ways from its beginning, and keeps what it
                // teaches.
                try unlearn()
                return false
            }
            FailPoint.batchStaged.reached()
            return true
        }
    }

    private func stageAtOnce(_ batch: Batch) throws -> StagedBatch? {
        try forgetOld()
        startBatch()
        let (resolved, problem) = try resolve(batch)
        let budget = LockBudget(resolved.relations, most: mostLocks)
        let runs = ApplyRun.split(batch, within: budget)
        // What the batch teaches is kept by whoever applies it in one go.
        guard problem == nil, learned.isEmpty, let run = runs.first, runs.count == 1 else {
            return nil
        }
        let session = try open()
        let folded = FoldedWriter(
            session: session, batch: resolved, choice: choice,
            isHeldBack: { ladder.isHeldBack($0) })
        guard let senders = try folded.foldAhead(run.changes, staging: &staging) else { return nil }
        for sender in senders { try sender.prepareAhead(&staging) }
        var writer = try writer()
        try sendBegin(&writer)
        for sender in senders { try sender.stage(with: &writer, staging: &staging) }
        // Meanwhile the session may be asked for something else: what a failure of the batch before
        // is about.
        try writer.pause()
        return StagedBatch(
            batch: batch, run: run, folded: folded, senders: senders, writer: writer)
    }

    /// Applies what is staged, and commits it.
    ///
    /// - Parameters:
    ///   - moved: The position, where the batch before has left it; nil if this session has it.
    ///   - isDurable: Whether the commit is to wait for the disk.
    /// - Returns: Nil if the sets met anything unexpected; everything is then as before, and their
    ///   tables are held back.
    func applyStaged(
        at moved: consuming PositionToken?, isDurable: Bool
    ) async throws -> Applied? {
        if let moved { takeOver(moved) }
        return try await cancellable {
            guard let staged else { preconditionFailure("the batch was staged") }
            self.staged = nil
            // Its transaction is open, but with nothing in it that does not come again.
            var run = description(of: staged.run)
            run.goesOn = false
            ladder.stagedRunBegan(run)
            do {
                try send(staged, isDurable: isDurable)
            } catch var failure as ApplyFailure {
                failure.blamed = staged.folded.tables(blamedFor: failure)
                try retreat(from: failure, in: staged.batch)
                return nil
            }
            _ = ladder.answered(.applied)
            var applied = Applied()
            applied.count(staged.run, of: staged.batch, resolved: &openConflicts)
            applied.isDurable = isDurable
            return applied
        }
    }

    private func send(_ staged: StagedBatch, isDurable: Bool) throws {
        var writer = staged.writer
        try writer.resume()
        try write(staged.run, with: &writer) { writer in
            if isDurable { try writer.send("set local synchronous_commit = on") }
            try FoldedWriter.sendStaged(staged.senders, with: &writer)
        }
    }
}
