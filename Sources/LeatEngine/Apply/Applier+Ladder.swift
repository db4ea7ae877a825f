internal import LeatArchive
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

// How a run is brought to the target: ``ApplyLadder`` says in which way, here is how each is done.

extension Applier {
    /// Before what may have to be undone without the pieces before it, which are not sent again by
    /// themselves.
    static let pieceSavepoint = "leat_piece"
    /// Of a batch with a row that may find no memory.
    private static let largeBytes = 32 << 20

    /// - Throws: ``Halt``, after a rollback, if the target takes something in no way. Whatever else is
    ///   thrown ends the run of the stream; the next begins where the position is.
    func apply(
        _ run: ApplyRun, of batch: inout ResolvedBatch, into applied: inout Applied
    ) throws {
        precondition(
            isTransactionOpen
                || !batch.batch.transactions[run.transactions.lowerBound].beganEarlier,
            "a piece of a transaction follows the pieces before it")
        try renew(&batch, for: run)
        ladder.runBegan(description(of: run)) {
            // How many rows such a table takes does not say whether all is well.
            side == nil && !batch.relations.contains { $0?.plan.target.mayLeaveOut ?? false }
        }
        while let attempt = ladder.next {
            let part = run.part(attempt.transactions, of: batch.batch)
            do {
                try self.attempt(part, by: attempt.rung, of: &batch)
            } catch let failure as ApplyFailure {
                try retreat(from: failure, in: batch.batch)
                continue
            } catch {
                // What of it is committed nobody knows, or it does not matter: this run is over.
                _ = ladder.answered(.lost)
                throw error
            }
            _ = ladder.answered(.applied)
            applied.count(part, of: batch.batch, resolved: &openConflicts)
        }
    }

    func description(of run: ApplyRun) -> ApplyLadder.Run {
        ApplyLadder.Run(
            transactions: run.transactions, changes: run.changes.count, commits: run.end != nil,
            goesOn: isTransactionOpen)
    }

    private func attempt(
        _ run: ApplyRun, by rung: ApplyLadder.Rung, of batch: inout ResolvedBatch
    ) throws {
        // After a try before it was undone.
        try renew(&batch, for: run)
        switch rung {
        case .atOnce: try applyAtOnce(run, of: batch)
        case .folded: try applyFolded(run, of: batch)
        case .inOrder: try applyInOrder(run, of: batch)
        case .resolving: try applyResolving(run, of: batch)
        }
    }

    // MARK: Refusals

    /// Does what the ladder says of a refusal: undoes what it names, and returns if there is another
    /// way.
    func retreat(from failure: ApplyFailure, in batch: Batch) throws {
        switch ladder.answered(.refused(refusal(failure, in: batch))) {
        case .retreat(.savepoint):
            try rollBack(to: Applier.pieceSavepoint)
        case .retreat(.transaction):
            try abandon()
        case .restart:
            // A server that goes down says so in its last answer: that is a lost connection.
            try abandon()
            throw Restart(
                reason: "the target said: \(failure.serverError?.withoutValues.description ?? "")")
        case .halt:
            try abandon()
            throw failure.halt(batch, showsValues: handling.showsValues)
        case .done, .reopen, .learn:
            preconditionFailure("a refusal is no other answer")
        }
    }

    private func refusal(_ failure: ApplyFailure, in batch: Batch) -> ApplyLadder.Refusal {
        var cause = ApplyLadder.Refusal.Cause.lasting
        if let state = failure.serverError?.sqlState, Transient.isTransient(sqlState: state) {
            cause = Transient.isOfSize(sqlState: state) ? .size : .transient
        }
        return ApplyLadder.Refusal(
            cause, isAtCommit: !failure.isBeforeCommit,
            isResolvable: policy(of: failure, batch) != nil, blamed: failure.blamed)
    }

    // MARK: Ways

    /// A few changes with their commit, in one trip to the target.
    private func applyAtOnce(_ run: ApplyRun, of batch: ResolvedBatch) throws {
        try write(run, commitsAtOnce: true) { writer in
            try sendBegin(&writer)
            try writer.send(run.changes, of: batch)
        }
    }

    /// Net changes. If they meet anything unexpected the same changes follow in the source's order,
    /// which decides what is wrong with which of them.
    private func applyFolded(_ run: ApplyRun, of batch: ResolvedBatch) throws {
        try requireMemory(for: batch.batch)
        let folded = FoldedWriter(
            session: try open(), batch: batch, choice: choice,
            isHeldBack: { ladder.isHeldBack($0) })
        do {
            try write(run) { writer in
                let piece = try sendBeginning(&writer)
                try folded.send(run.changes, with: &writer, staging: &staging)
                if let piece { try release(piece, with: &writer) }
            }
        } catch var failure as ApplyFailure {
            failure.blamed = folded.tables(blamedFor: failure)
            throw failure
        }
    }

    private func applyInOrder(_ run: ApplyRun, of batch: ResolvedBatch) throws {
        try requireMemory(for: batch.batch)
        try write(run) { writer in
            let piece = try sendBeginning(&writer, isNeeded: handling.conflicts.resolvesAny)
            try writer.send(run.changes, of: batch)
            if let piece { try release(piece, with: &writer) }
        }
    }

    /// A large value stands in the buffer for COPY once more, each byte of it perhaps escaped.
    private func requireMemory(for batch: Batch) throws {
        if batch.byteCount > Applier.largeBytes { try Memory.require(2 * batch.byteCount) }
    }

    // MARK: Writing

    private func write(
        _ run: ApplyRun, commitsAtOnce: Bool = false,
        sending send: (inout BatchWriter) throws -> Void
    ) throws {
        var writer = try writer(commitsAtOnce: commitsAtOnce)
        try write(run, with: &writer, sending: send)
    }

    func writer(commitsAtOnce: Bool = false) throws -> BatchWriter {
        try BatchWriter(
            session: open(), cache: cache, defersConstraints: !isReplica,
            noting: handling.notesTruncates ? stream : nil, commitsAtOnce: commitsAtOnce)
    }

    /// The rest of what `writer` is to send for a run, its position and commit.
    func write(
        _ run: ApplyRun, with writer: inout BatchWriter,
        sending send: (inout BatchWriter) throws -> Void
    ) throws {
        let place: String?
        do {
            try send(&writer)
            if let last = run.end {
                try sendLearned(of: run, with: &writer)
                try sendPosition(last, with: &writer)
            }
            if writer.commitsAtOnce { try writer.send("commit") }
            place = try writer.finish()
        } catch let failure as ApplyFailure {
            // Refused before it was sent: the pipeline's other answers are still to come.
            _ = try? writer.finish()
            throw failure
        }
        if writer.commitsAtOnce {
            try committed(run, at: place)
        } else {
            try commit(run, at: place)
        }
        if run.end != nil { learned.removeAll(before: run.changes.upperBound) }
    }

    private func sendLearned(of run: ApplyRun, with writer: inout BatchWriter) throws {
        guard !learned.isEmpty else { return }
        let columns = learned.columns(before: run.changes.upperBound)
        guard !columns.isEmpty else { return }
        try writer.send(TableStore.keeping(columns), with: [stream.text])
    }

    /// Not before it is known that each statement met the rows it should: a wrong count is no
    /// error to the server, which would go on and forget where to go back to.
    private func release(_ savepoint: String, with writer: inout BatchWriter) throws {
        try writer.pause()
        try writer.resume()
        try writer.send("release savepoint \(savepoint)")
    }

    /// - Parameter isNeeded: Whether a later piece is to be undone without the pieces before it.
    /// - Returns: The savepoint before a later piece of a transaction, where one is needed.
    private func sendBeginning(
        _ writer: inout BatchWriter, isNeeded: Bool = true
    ) throws -> String? {
        guard isTransactionOpen else {
            try sendBegin(&writer)
            return nil
        }
        guard isNeeded else { return nil }
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
