internal import LeatCore
internal import LeatFlow
internal import PGWire

/// Batches that are staged before their turn.
extension TargetSink {
    private struct Staged: BegunBatch {
        let turn: StagingAhead.Turn
        let ahead: StagingAhead
        let sink: TargetSink

        func apply() async throws -> Applied {
            do {
                let applied = try await ahead.apply(turn)
                sink.tell(applied.conflicts)
                return applied
            } catch let halt as Halt {
                throw await sink.explain(halt)
            }
        }
    }

    func begin(_ batch: Batch) async throws -> (any BegunBatch)? {
        guard let ahead, StagingAhead.mayStage(batch), joining == nil,
            !batch.relations.contains(where: followed.isRenamed)
        else { return nil }
        // Theirs are open transactions, which what comes now may have to wait for.
        if let inProgress, await inProgress.sides.areBusy { return nil }
        return try await ahead.stage(batch).map { Staged(turn: $0, ahead: ahead, sink: self) }
    }
}
