internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// A transaction that is applied while it is in progress on the source, by a session of its own.
///
///     begin - piece - savepoint - piece ... - [rollback to savepoint] ... - last piece - position
///     - commit
///
/// The session is an ``Applier`` like the one that holds the stream's lock, and a piece goes the
/// way of a piece of any large transaction: net changes behind a savepoint, then change by change.
/// What differs is the end: the position is the other applier's, which lends it for the commit.
///
/// What a crash, or the loss of a connection, leaves:
///
/// - Before COMMIT is sent: an open transaction without a client. Its backend rolls it back when
///   it misses us, and the next start ends it before anything else (``StreamLock``). The source
///   sends the transaction again from its beginning.
/// - After COMMIT was sent: all of it with its position, or nothing; the row says which.
extension Applier {
    /// What a side session remembers of its transaction.
    struct SideState {
        /// Columns known since, to be stored with the transaction.
        var learned: [TableName: KnownColumns] = [:]
        var savepoints: [Savepoint] = []
        /// Changes of the pieces applied so far.
        var changes = 0
    }

    struct Savepoint {
        var subtransaction: TransactionID
        var changes: Int
        var conflicts: [ConflictCount]

        var name: String { "leat_sub_\(subtransaction)" }
    }

    // MARK: The position

    /// Hands the position over to a session that is about to commit.
    func lendPosition() async throws -> PositionToken {
        // Whoever has lost this session has lost the stream's lock.
        try await cancellable { _ = try open().execute("select") }
        guard let position = handOver() else {
            preconditionFailure("another session moves the position")
        }
        return position
    }

    /// Bounds this session's waits for locks while others of the stream have open transactions: two
    /// sessions may wait for each other by way of something that the server does not see.
    func limitWaits(_ areLimited: Bool) async throws {
        try await cancellable {
            _ = try open().execute("set lock_timeout = '\(areLimited ? "5s" : "0")'")
        }
    }

    // MARK: Pieces

    /// Begins the transaction of a first piece.
    func beginPieces() async throws {
        try await cancellable {
            side = SideState()
            staging.transaction += 1
            try open().execute(isReplica ? "begin" : "begin; set constraints all deferred")
            isTransactionOpen = true
        }
    }

    /// Applies a piece; the last one with its commit.
    ///
    /// - Parameters:
    ///   - known: What the applier that holds the lock knows of the tables by now.
    ///   - position: Lent for the last piece.
    func apply(
        _ piece: StreamedPiece, of batch: Batch, knowing known: TableKnowledge,
        at position: consuming PositionToken?
    ) async throws -> Applied {
        if let position { takeOver(position) }
        return try await cancellable {
            knowledge = known
            startBatch()
            // Before anything is done: the piece comes again if a table has to be looked at first.
            var (resolved, problem) = try resolve(batch)
            if let problem { throw problem.halt }
            if let subtransaction = piece.rollsBackTo { try undo(to: subtransaction) }
            let isLast = self.position != nil
            if isLast { try storeLearned() }
            var applied = Applied()
            for part in PiecePart.split(batch, of: piece) {
                if let subtransaction = part.subtransaction {
                    try begin(subtransaction, after: applied.changes)
                }
                try apply(part.run, of: &resolved, into: &applied)
            }
            side?.changes += applied.changes
            applied.changes = 0
            guard isLast else { return applied }
            applied.changes = side?.changes ?? 0
            try forgetStatements()
            return applied
        }
    }

    /// The transaction was rolled back on the source.
    func abandonPieces() async throws {
        try await cancellable { try abandon() }
    }

    private func begin(_ subtransaction: TransactionID, after changes: Int) throws {
        let savepoint = Savepoint(
            subtransaction: subtransaction, changes: (side?.changes ?? 0) + changes,
            conflicts: openConflicts)
        try open().execute("savepoint \(savepoint.name)")
        side?.savepoints.append(savepoint)
    }

    private func undo(to subtransaction: TransactionID) throws {
        guard let savepoints = side?.savepoints,
            let index = savepoints.lastIndex(where: { $0.subtransaction == subtransaction })
        else { preconditionFailure("a subtransaction that is rolled back has begun") }
        let savepoint = savepoints[index]
        try rollBack(to: savepoint.name)
        openConflicts = savepoint.conflicts
        side?.changes = savepoint.changes
        side?.savepoints.removeSubrange(index...)
    }

    private func storeLearned() throws {
        guard let learned = side?.learned, !learned.isEmpty else { return }
        try TableStore(session: open(), stream: stream).keep(learned)
    }
}

/// The part of a piece that lies between the beginnings of two subtransactions.
struct PiecePart {
    /// Begins with it.
    var subtransaction: TransactionID?
    var run: ApplyRun

    static func split(_ batch: Batch, of piece: StreamedPiece) -> [PiecePart] {
        let last = batch.transactions.last.flatMap { $0.isComplete ? $0 : nil }
        let starts = [0] + piece.subtransactions.map(\.firstChange)
        let ends = piece.subtransactions.map(\.firstChange) + [batch.changes.count]
        let begins: [TransactionID?] = [nil] + piece.subtransactions.map(\.xid)
        return starts.indices.map { index in
            PiecePart(
                subtransaction: begins[index],
                run: ApplyRun(
                    transactions: 0..<1, changes: starts[index]..<ends[index],
                    end: index == starts.count - 1 ? last : nil))
        }
    }
}
