internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// What happens after a change has failed, in the source's order.
///
/// Nothing of this is on the way of a change that fits. A run of several transactions has been
/// tried one by one before, so that here one transaction, or one piece of a large one, is left:
///
///     savepoint - some changes - release - ... - position - commit
///
/// A change that meets a conflict is rolled back to its savepoint, then resolved as the policy
/// says and recorded in `leat.conflicts`: in the target transaction that holds its rows and moves
/// the position. A crash before the commit leaves nothing of it, one after it all of it.
extension Applier {
    private static let stepSavepoint = "leat_step"

    /// The savepoint is gone too, and with it all that was prepared since: it may or may not be
    /// there.
    func rollBack(to savepoint: String) throws {
        try open().execute("rollback to savepoint \(savepoint); release savepoint \(savepoint)")
        try forgetStatements()
    }

    /// Applies a transaction, or a piece of one, that has failed for something of which a policy speaks.
    func applyResolving(_ run: ApplyRun, of batch: ResolvedBatch) throws {
        try begin()
        try sendSteps(of: run, in: batch)
        try end(run)
    }

    private func begin() throws {
        guard !isTransactionOpen else { return }
        try open().execute(isReplica ? "begin" : "begin; set constraints all deferred")
        isTransactionOpen = true
    }

    private func end(_ run: ApplyRun) throws {
        guard let last = run.end else { return }
        let place = try pipelined { try sendPosition(last, with: &$0) }
        try commit(run, at: place)
    }

    /// What to do about a failure; nil for `stop`.
    func policy(
        of failure: ApplyFailure, _ batch: Batch
    ) -> (kind: ConflictKind, policy: ConflictPolicy)? {
        guard failure.isBeforeCommit, let index = failure.change,
            let kind = failure.conflict(batch.changes[index].kind)
        else { return nil }
        let policy = handling.conflicts[kind]
        return policy == .stop ? nil : (kind, policy)
    }

    // MARK: Steps

    private func sendSteps(
        of run: ApplyRun, in resolved: ResolvedBatch
    ) throws {
        let batch = resolved.batch
        var steps = ConflictSteps(run.changes)
        var relations = resolved.relations
        while let step = steps.next {
            try open().execute("savepoint \(Applier.stepSavepoint)")
            do {
                _ = try pipelined { try $0.send(step, of: batch, to: relations) }
                try open().execute("release savepoint \(Applier.stepSavepoint)")
            } catch let failure as ApplyFailure {
                try rollBack(to: Applier.stepSavepoint)
                relations = relations.map { $0.map { RelationStatements($0.plan) } }
                guard let found = policy(of: failure, batch), let index = failure.change else {
                    throw failure
                }
                guard steps.changeFailed(index) else { continue }
                try resolve(
                    failure, as: found.kind, by: found.policy, in: batch, relations: relations)
            }
            steps.stepEnded()
        }
    }

    private func pipelined(_ send: (inout BatchWriter) throws -> Void) throws -> String? {
        var writer = try writer()
        do {
            try send(&writer)
        } catch let failure as ApplyFailure {
            _ = try? writer.finish()
            throw failure
        }
        return try writer.finish()
    }

    // MARK: Resolving

    private func resolve(
        _ failure: ApplyFailure, as kind: ConflictKind, by policy: ConflictPolicy, in batch: Batch,
        relations: [RelationStatements?]
    ) throws {
        guard let index = failure.change else { preconditionFailure("a conflict is a change's") }
        let place = ChangePlace(in: batch, at: index)
        guard place.relation != nil, let relation = relations[Int(place.change.relation)] else {
            // A TRUNCATE that a constraint forbids is more than a row to leave out.
            throw failure
        }
        if policy == .apply, kind != .deleteMissing {
            try write(place.change, at: index, of: batch, by: relation.plan, after: failure)
        }
        let store = ConflictStore(
            session: try open(), stream: stream, storesValues: handling.showsValues)
        try store.add(failure, as: kind, by: policy, at: place, in: relation.plan.target.name)
        FailPoint.conflictRecorded.reached()
        openConflicts.add(kind, by: policy, at: place)
    }

    /// Makes the target's row what the source's is.
    private func write(
        _ change: Change, at index: Int, of batch: Batch, by plan: RelationPlan,
        after failure: ApplyFailure
    ) throws {
        var failure = failure
        do {
            let statement = try ConflictResolution(in: batch, of: change, by: plan).statement()
            _ = try pipelined {
                try $0.sendOnce(statement, for: change, at: index, of: batch, by: plan)
            }
        } catch let refusal as ConflictResolution.Refusal {
            failure.note = refusal.sentence
            throw failure
        } catch let second as ApplyFailure {
            guard let error = second.serverError else {
                failure.note = "It cannot be applied: the row that is in the way has another key."
                throw failure
            }
            if Transient.isTransient(sqlState: error.sqlState) { throw second }
            failure.note = "It cannot be applied either: \(error.withoutValues)."
            throw failure
        }
    }
}

extension ApplyFailure {
    var isBeforeCommit: Bool {
        if case .atCommit = reason { return false }
        return true
    }
}
