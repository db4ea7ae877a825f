package import PGWire

/// In which way a run of changes is brought to the target, and what follows when that fails.
///
///     at once ─► folded ─► in order ─► in order, each transaction by itself ─► resolving ─► halt
///
/// A rung above is cheaper and says less of what is wrong. Each is tried once for a run, from the
/// first that promises something down; what it has done is undone before the next. So whatever is
/// wrong is said by the source's order, which looks at each change, and everything before it is stored.
///
/// - A refusal that may pass by itself is no reason to go down: the stream begins again.
/// - A lost answer is no refusal: the commit may have happened. Nothing is tried again before the
///   position has been looked at, which the next run does before anything else.
/// - A refusal makes the next batches careful: those of its tables stay in the source's order, or
///   their answers are looked at before the commit.
///
/// A worked example, transactions 3, 4 and 5 of a batch, of which the target refuses a row of 4:
/// folded 3...5 - undo - in order 3...5 - undo - in order 3 - in order 4 - undo - resolving 4, or
/// halt; and if 4 was resolved, in order 5.
///
/// It decides, and does nothing: one for each session, told of batches, runs and answers.
package struct ApplyLadder: Sendable {
    package enum Rung: Int, Comparable, CaseIterable, Sendable {
        /// Guarded changes with their commit, without a look at an answer.
        case atOnce
        /// Net changes, in sets where there are many.
        case folded
        /// Each change as it came, with a look at each answer before the commit.
        case inOrder
        /// The same behind savepoints, and what meets a conflict as a policy says.
        case resolving

        package static func < (left: Rung, right: Rung) -> Bool { left.rawValue < right.rawValue }
    }

    /// What a session is told once.
    package struct Settings: Sendable {
        package var folds: Bool
        /// Whether a policy other than `stop` is set.
        package var resolves: Bool
        package var choice: SetChoice

        package init(folds: Bool, resolves: Bool, choice: SetChoice) {
            (self.folds, self.resolves, self.choice) = (folds, resolves, choice)
        }
    }

    /// Consecutive transactions of a batch that share a target transaction.
    package struct Run: Sendable {
        /// Indexes in the batch.
        package var transactions: Range<Int>
        package var changes: Int
        /// Whether its end commits.
        package var commits: Bool
        /// Whether pieces of its transaction are in the open target transaction already, which do not
        /// come again by themselves: it is undone to a savepoint.
        package var goesOn: Bool

        package init(transactions: Range<Int>, changes: Int, commits: Bool, goesOn: Bool) {
            self.transactions = transactions
            self.changes = changes
            self.commits = commits
            self.goesOn = goesOn
        }
    }

    /// What is to be done next: these transactions, in this way.
    package struct Attempt: Equatable, Sendable {
        package var rung: Rung
        package var transactions: Range<Int>
    }

    /// Something is not taken by the target, whose answer says that nothing of the attempt is committed.
    package struct Refusal: Sendable {
        package enum Cause: Sendable {
            /// It would be refused again.
            case lasting
            /// Tried again it may pass.
            case transient
            /// The same; or sooner, if less shares a transaction.
            case size
        }

        package var cause: Cause
        /// COMMIT was refused, not a change.
        package var isAtCommit: Bool
        /// Whether a policy other than `stop` speaks of it.
        package var isResolvable: Bool
        /// The tables whose sets are to blame.
        package var blamed: [TableName]

        package init(
            _ cause: Cause, isAtCommit: Bool = false, isResolvable: Bool = false,
            blamed: [TableName] = []
        ) {
            self.cause = cause
            self.isAtCommit = isAtCommit
            self.isResolvable = isResolvable
            self.blamed = blamed
        }

        fileprivate func mayPass(alone isAlone: Bool) -> Bool {
            switch cause {
            case .lasting: false
            case .transient: true
            case .size: isAlone
            }
        }
    }

    package enum Answer: Sendable {
        case applied
        case refused(Refusal)
        /// No answer: nobody knows whether it was committed.
        case lost
        /// The row of the position is not where this session left it. `stored`: what it says now.
        case positionElsewhere(stored: LSN?, own: LSN)
        /// The table is to be looked at first. Nothing of the batch was applied.
        case newDefinition
    }

    /// What of the target transaction is undone.
    package enum Undo: Equatable, Sendable {
        /// To the savepoint that the attempt has begun with.
        case savepoint
        case transaction
    }

    package enum Verdict: Equatable, Sendable {
        /// These transactions are done.
        case done
        /// After this ``next`` says how to go on.
        case retreat(Undo)
        /// The stream begins again, at the position as it is stored.
        case restart
        /// The same by other sessions.
        case reopen
        /// The whole batch comes again after a look at the source's catalog.
        case learn
        /// A person is needed. Everything before these transactions is stored.
        case halt
    }

    /// Which way is closed for a while, and why: a refusal is seldom the only one.
    private static let batchesOfCare = 100

    private let settings: Settings
    private var run: Run?
    /// What is still to be done of the run, the next one last.
    private var attempts: [Attempt] = []
    /// Tables whose net changes failed, with the batches for which they stay in the source's order.
    private var heldBack: [TableName: Int] = [:]
    /// So many batches are committed only after a look at each answer.
    private var batchesWatched = 0

    package init(_ settings: Settings) {
        self.settings = settings
    }

    // MARK: Batches and runs

    package mutating func batchBegan() {
        batchesWatched = max(0, batchesWatched - 1)
        if !heldBack.isEmpty { heldBack = heldBack.compactMapValues { $0 > 1 ? $0 - 1 : nil } }
    }

    /// Whether the changes of a table stay in the source's order.
    package func isHeldBack(_ table: TableName) -> Bool { heldBack[table] != nil }

    /// - Parameter mayGoAtOnce: Whether its statements can be guarded, and its session commits by
    ///   itself; asked only where that is of interest.
    package mutating func runBegan(_ run: Run, mayGoAtOnce: () -> Bool) {
        let isSmall =
            run.commits && !run.goesOn && batchesWatched == 0
            && settings.choice.commitsAtOnce(run.changes)
        begin(run, at: isSmall && mayGoAtOnce() ? .atOnce : belowAtOnce(run))
    }

    /// A run whose sets were staged before its turn.
    package mutating func stagedRunBegan(_ run: Run) {
        begin(run, at: .folded)
    }

    private mutating func begin(_ run: Run, at rung: Rung) {
        self.run = run
        attempts.removeAll(keepingCapacity: true)
        attempts.append(Attempt(rung: rung, transactions: run.transactions))
    }

    private func belowAtOnce(_ run: Run) -> Rung {
        settings.folds && run.changes >= settings.choice.worthFolding ? .folded : .inOrder
    }

    /// Nil when the run is done.
    package var next: Attempt? { attempts.last }

    // MARK: Answers

    /// What the target said to ``next``.
    package mutating func answered(_ answer: Answer) -> Verdict {
        guard let run, let attempt = attempts.popLast() else {
            preconditionFailure("an answer belongs to an attempt")
        }
        let verdict: Verdict =
            switch answer {
            case .applied: .done
            case .lost: .reopen
            case .positionElsewhere(let stored, let own):
                ApplyLadder.elsewhere(stored: stored, own: own)
            case .newDefinition: .learn
            case .refused(let refusal): refused(refusal, at: attempt, of: run)
            }
        switch verdict {
        case .done, .retreat: break
        case .restart, .reopen, .learn, .halt: attempts.removeAll(keepingCapacity: true)
        }
        return verdict
    }

    /// The row of the position is not where this session has left it, but says this. If it says the
    /// same it was only moved, by a VACUUM FULL or an update of somebody's; else another process
    /// applies the stream.
    package static func elsewhere(stored: LSN?, own: LSN) -> Verdict {
        stored == own ? .restart : .halt
    }

    private mutating func refused(
        _ refusal: Refusal, at attempt: Attempt, of run: Run
    ) -> Verdict {
        let isAlone = attempt.transactions.count == 1
        if refusal.mayPass(alone: isAlone) { return .restart }
        switch attempt.rung {
        case .atOnce:
            batchesWatched = ApplyLadder.batchesOfCare
            goOn(attempt, at: belowAtOnce(run))
            return .retreat(.transaction)
        case .folded:
            for table in refusal.blamed { heldBack[table] = ApplyLadder.batchesOfCare }
            // The pieces before it are gone with their transaction.
            guard !run.goesOn || !refusal.isAtCommit else { return .halt }
            goOn(attempt, at: .inOrder)
            return .retreat(run.goesOn ? .savepoint : .transaction)
        case .inOrder where !isAlone:
            // So that all before the one that fails are stored.
            attempts += attempt.transactions.reversed().map {
                Attempt(rung: .inOrder, transactions: $0..<$0 + 1)
            }
            return .retreat(.transaction)
        case .inOrder:
            // At the end of a transaction nobody knows which change is to blame.
            guard refusal.isResolvable, !refusal.isAtCommit else { return .halt }
            goOn(attempt, at: .resolving)
            return .retreat(run.goesOn && settings.resolves ? .savepoint : .transaction)
        case .resolving:
            return .halt
        }
    }

    private mutating func goOn(_ attempt: Attempt, at rung: Rung) {
        attempts.append(Attempt(rung: rung, transactions: attempt.transactions))
    }
}
