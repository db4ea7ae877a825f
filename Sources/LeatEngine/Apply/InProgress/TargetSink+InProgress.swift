internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// Batches that are pieces of transactions in progress on the source.
extension TargetSink {
    struct InProgress {
        let sides: SideSessions
        let handling: InProgressHandling
    }

    /// Applies whole transactions, which come after what is open in other sessions.
    func passing(_ body: () async throws -> Applied) async throws -> Applied {
        do {
            return try await body()
        } catch let restart as Restart {
            guard let inProgress, await inProgress.sides.areBusy else { throw restart }
            // It may wait for one that waits for what comes after it.
            throw inProgress.handling.spool(
                because: "another transaction cannot pass it: \(restart.reason).")
        }
    }

    func apply(_ piece: StreamedPiece, of batch: Batch) async throws -> Applied {
        guard let inProgress else {
            preconditionFailure("pieces come only where the source was started so")
        }
        do {
            guard !batch.relations.contains(where: followed.isRenamed) else {
                throw inProgress.handling.spool(because: "a table has another name by now.")
            }
            let session = try await side(for: piece, inProgress)
            guard !piece.isAborted else {
                try await session.abandonPieces()
                try await inProgress.sides.end(piece.xid)
                return Applied()
            }
            return try await apply(piece, of: batch, on: session, inProgress: inProgress)
        } catch let new as Applier.NewDefinition where new.isRepeated {
            // Nothing of the piece was applied.
            try await learn(new, from: batch)
            return try await apply(piece, of: batch)
        } catch let new as Applier.NewDefinition {
            let table = TableName(new.relation)
            throw inProgress.handling.spool(because: "the definition of \(table) has changed.")
        } catch let halt as Halt where halt.kind == .change {
            throw inProgress.handling.spool(because: halt.message)
        }
    }

    private func side(
        for piece: StreamedPiece, _ inProgress: InProgress
    ) async throws -> Applier {
        do {
            return try await inProgress.sides.session(for: piece)
        } catch let error as ConnectionError where error.code != .interrupted {
            throw inProgress.handling.spool(
                because: "no session of its own could be opened: \(error).")
        } catch let restart as Restart {
            throw inProgress.handling.spool(because: "\(restart.reason).")
        }
    }

    private func apply(
        _ piece: StreamedPiece, of batch: Batch, on session: Applier, inProgress: InProgress
    ) async throws -> Applied {
        let isLast = batch.transactions.contains(where: \.isComplete)
        do {
            var position: PositionToken?
            if isLast { position = try await applier.lendPosition() }
            let applied: Applied
            do {
                applied = try await session.apply(
                    piece, of: batch, knowing: await applier.knowledge, at: position.take())
            } catch let new as Applier.NewDefinition {
                await takeBack(from: session)
                throw new
            }
            FailPoint.pieceApplied.reached()
            guard isLast else { return applied }
            await takeBack(from: session)
            try await inProgress.sides.end(piece.xid)
            return applied
        } catch let restart as Restart {
            throw try await givenUp(because: "\(restart.reason).", inProgress)
        } catch let error as ConnectionError where [.server, .lost].contains(error.code) {
            throw try await givenUp(because: "\(error.withoutValues).", inProgress)
        }
    }

    /// The applier that holds the lock has the position again, if the session had it.
    private func takeBack(from session: Applier) async {
        guard let moved = await session.handOver() else { return }
        await applier.takeOver(moved)
    }

    /// Somebody may end sessions that idle within a transaction, again and again. A target that is
    /// gone altogether shows here, and is no reason to do anything in another way.
    private func givenUp(because reason: String, _ inProgress: InProgress) async throws -> Restart {
        try await applier.run { _ = try $0.execute("select") }
        return inProgress.handling.spool(because: reason)
    }
}
