internal import LeatCore
internal import LeatFlow
internal import PGWire

/// The row is not where the session has left it.
struct PositionElsewhere: Error {
    var stored: LSN?
    var own: LSN
}

/// How what is given comes to the target: in the way that the ladder of the applier says.
extension SimulatedSink {
    /// A transaction whose end has come, with what is committed by it: itself.
    struct Ended {
        var committed: [World.Committed]
        var transaction: Transaction
    }

    static let another = Halt(.target, "Another process applies the stream.")

    private struct Refused: Error {
        var refusal: ApplyLadder.Refusal
    }

    func bring(_ ended: [Ended]) async throws -> Applied {
        await turn.take()
        defer { turn.giveBack() }
        ladder.batchBegan()
        let mayGoAtOnce = thread.once(in: 2)
        ladder.runBegan(
            .init(
                transactions: ended.indices,
                changes: ended.flatMap(\.committed).reduce(0) { $0 + $1.rows.count },
                commits: true, goesOn: false), mayGoAtOnce: { mayGoAtOnce })
        while let attempt = ladder.next {
            try await self.attempt(ended[attempt.transactions], by: attempt)
        }
        let isDurable =
            world.schedule.isSynchronous || world.isSabotaged(by: .confirmsBeforeItIsStored)
        return Applied(
            end: position, isDurable: isDurable, commitTime: ended.last?.transaction.commitTime,
            transactions: ended.count, changes: ended.count)
    }

    private func attempt(
        _ part: ArraySlice<Ended>, by attempt: ApplyLadder.Attempt
    ) async throws {
        guard let last = part.last?.transaction else {
            preconditionFailure("an attempt is about something")
        }
        let (refusal, before) = (refusal(of: attempt), position)
        var failure: (any Error)?
        var answer = ApplyLadder.Answer.applied
        do {
            try await client.ask { [self] server in
                if let refusal {
                    pending += part.flatMap(\.committed)
                    throw Refused(refusal: refusal)
                }
                try checkIsOurs(server, before: before)
                commit(part, upTo: last, on: server)
            }
            position = last.endLSN
        } catch let refused as Refused {
            answer = .refused(refused.refusal)
        } catch let elsewhere as PositionElsewhere {
            answer = .positionElsewhere(stored: elsewhere.stored, own: elsewhere.own)
        } catch {
            answer = .lost
            failure = error
        }
        let verdict = ladder.answered(answer)
        if verdict == .reopen { applyAgain(part, upTo: last) }
        try follow(verdict, after: failure)
    }

    private func commit(_ part: ArraySlice<Ended>, upTo last: Transaction, on server: TargetServer)
    {
        let whole = pending + part.flatMap(\.committed)
        pending = []
        move(
            server, whole: whole, to: last.endLSN, last: LastTransaction(last),
            isSynchronous: world.schedule.isSynchronous)
    }

    private func follow(_ verdict: ApplyLadder.Verdict, after failure: (any Error)?) throws {
        switch verdict {
        case .done: break
        case .retreat:
            // `rollback`
            if !world.isSabotaged(by: .goesOnWithoutUndoing) { pending = [] }
        case .restart: throw Restart(reason: "the target refuses what may pass")
        case .reopen: throw failure ?? Lost()
        case .halt: throw SimulatedSink.another
        case .learn: preconditionFailure("no table changes here")
        }
    }

    /// What is not done.
    private func applyAgain(_ part: ArraySlice<Ended>, upTo last: Transaction) {
        guard world.isSabotaged(by: .appliesAgainAfterALostAnswer), !client.process.isKilled else {
            return
        }
        position = world.target.state.row?.position ?? position
        commit(part, upTo: last, on: world.target)
    }

    /// What fits is refused too: a guarded statement or a set meets something unexpected, what shares
    /// a transaction is too much for it, or a lock does not come.
    private func refusal(of attempt: ApplyLadder.Attempt) -> ApplyLadder.Refusal? {
        let isUnlucky = world.schedule.faultPause > 0 && thread.once(in: 10)
        guard world.takeRefusal() || isUnlucky else { return nil }
        let isLast = attempt.rung == .inOrder && attempt.transactions.count == 1
        return ApplyLadder.Refusal(isLast || thread.once(in: 4) ? .transient : either())
    }

    private func either() -> ApplyLadder.Refusal.Cause { thread.once(in: 2) ? .size : .lasting }
}
