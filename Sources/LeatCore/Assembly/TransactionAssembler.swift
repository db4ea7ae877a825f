public import PGWire

/// Puts the messages of a stream together into batches of whole transactions in commit order.
///
/// A transaction sent whole lies between Begin and Commit. A large one may come *streamed*, in
/// blocks between Stream Start and Stream Stop, before it is known to commit. Then either
///
/// - its changes leave in batches of their own, as they come (``StreamedPiece``), or
/// - its messages go to a spool, by the caller, and come back through ``replay(_:at:)`` after
///   Stream Commit, without the subtransactions that were rolled back; or
/// - the first for as long as it has few subtransactions, then the second.
///
/// Nothing of this survives a lost connection: the server sends all of it again, perhaps in the
/// other form.
///
/// The assembler owns no file, clock or socket.
public struct TransactionAssembler: Sendable {
    /// What the caller does with the message it just gave.
    public enum Action: Equatable, Sendable {
        case none
        case began
        /// A transaction ended. An empty one has no change for the target.
        case committed(end: LSN, isEmpty: Bool)
        /// Append the message to the spool of this transaction.
        case spool(TransactionID)
        /// The whole streamed transaction was rolled back: drop its spool.
        case discard(TransactionID)
        /// Give every spooled message of this transaction to ``replay(_:at:)``, then call
        /// ``finishReplay()``, then drop the spool.
        case replay(TransactionID)
    }

    struct StreamedTransaction {
        /// As replayed, or handed over in pieces, so far.
        var relations: [RelationID: Relation] = [:]
        /// When each relation was last described within the transaction.
        var described: [RelationID: Int] = [:]
        var aborted: Set<TransactionID> = []
        /// Stands in its first block.
        var origin: String?
        var hasMessages = false
        /// Nil if all of it is spooled.
        var pieces: StreamedPieces?
        var unfollowed: [RelationID: TableName] = [:]
    }

    /// A relation of the open transaction: its index in the batch, or nil if its changes are
    /// not for the target.
    struct Target {
        var id: RelationID
        var index: UInt32?
        var columnCount: Int
    }

    let decoder: MessageDecoder
    let tables: FollowedTables
    let skipsTransactionsWithOrigin: Bool
    let keepsMessages: Bool
    let position: LSN
    /// Where the server begins to send.
    let start: LSN
    /// Nil where there is nothing to compare, or nothing any more.
    var history: KnownHistory?
    var grammar = StreamGrammar()
    /// So many streamed transactions may leave in pieces at a time.
    let piecesAtOnce: Int
    let mostSubtransactions: Int
    let tellsRepetitions: Bool

    var relations: [RelationID: Relation] = [:]
    /// By OID: the server names a type before the first relation that uses it, and not again.
    var types: [UInt32: TypeDescription] = [:]
    var described: [RelationID: Int] = [:]
    var descriptions = 0
    var phase = AssemblyPhase()
    /// Before the first one nothing is late.
    var lastCommitTime = PostgresTimestamp(rawValue: .max)
    /// Whose piece ``batch`` is; nil for whole transactions.
    var owner: TransactionID?
    /// What was put together before ``batch``, and must go before it.
    var ready: [Batch] = []
    /// The end of the last commit, or where a block began.
    var heard = LSN.zero
    var streamed: [TransactionID: StreamedTransaction] = [:]
    var relationIndexes: [RelationID: UInt32] = [:]
    var targets: [RelationID: Target] = [:]
    /// Rows of one table mostly follow one another.
    var lastTarget: Target?
    /// Whether ``targets`` were found for a transaction like all that follow.
    var areTargetsSettled = false
    /// Transactions that commit from here on are of interest in every followed table.
    let settledFrom: LSN
    /// Tables in the stream that are not followed, each told once by ``takeUnfollowed()``.
    var unfollowed: [RelationID: (name: TableName, isTold: Bool)] = [:]

    /// How far the stream was read: the end of its last commit, or where a block began.
    public var received: LSN { max(position, heard) }

    public internal(set) var batch = Batch()
    public internal(set) var completeTransactions = 0

    /// - Parameters:
    ///   - position: Transactions that end at or before it are stored already.
    ///   - history: Of what is sent before `position`; nil: the server begins there.
    ///   - skipsTransactionsWithOrigin: `origin none` for servers that do not filter themselves.
    ///   - keepsMessages: Logical messages are changes like others. One that belongs to no
    ///     transaction becomes one of its own, with transaction ID 0. Streamed transactions are all
    ///     spooled then.
    ///   - piecesAtOnce: So many streamed transactions leave in pieces at a time; more are
    ///     spooled.
    ///   - mostSubtransactions: What comes of such a transaction after so many subtransactions
    ///     that may still be rolled back is spooled. Each is a savepoint on the target, and a
    ///     backend shows the others 64 of its subtransactions (PGPROC_MAX_CACHED_SUBXIDS); more
    ///     cost everybody.
    ///   - tellsRepetitions: Whether a relation that is described again is another one
    ///     (`Relation.repetition`), though nothing that is described has changed.
    public init(
        decoder: MessageDecoder, tables: FollowedTables, position: LSN,
        history: KnownHistory? = nil,
        skipsTransactionsWithOrigin: Bool = false, keepsMessages: Bool = false,
        piecesAtOnce: Int = 0, mostSubtransactions: Int = 32, tellsRepetitions: Bool = false
    ) {
        self.decoder = decoder
        self.tables = tables
        self.position = position
        self.history = history
        start = min(history?.start ?? position, position)
        settledFrom = max(position, tables.latestSnapshot ?? .zero)
        self.skipsTransactionsWithOrigin = skipsTransactionsWithOrigin
        self.keepsMessages = keepsMessages
        // A server that does not filter tells the origin of a whole transaction only.
        self.mostSubtransactions = mostSubtransactions
        self.tellsRepetitions = tellsRepetitions
        self.piecesAtOnce = skipsTransactionsWithOrigin || keepsMessages ? 0 : piecesAtOnce
    }

    public var isTransactionOpen: Bool { phase.open != nil }

    /// When the transaction of the newest message committed; nil while one is in progress on the
    /// source, which comes streamed.
    public var commitTime: PostgresTimestamp? { phase.block == nil ? lastCommitTime : nil }

    /// Hands over what has been put together. A transaction that is still open stays for the next
    /// batch, unless it is the only one: then its first piece leaves.
    public mutating func takeBatch() -> Batch {
        completeTransactions = 0
        forgetIndexes()
        var taken = SpareBatches.shared.take()
        swap(&taken, &batch)
        // Batches are as large as the load is, for a while.
        batch.reserveCapacity(like: taken)
        if let index = phase.indexInBatch {
            index > 0 ? keepOpen(of: &taken) : leaveOpen()
        }
        if let owner { markPiece(&taken, of: owner) }
        return taken
    }

    private mutating func leaveOpen() {
        phase.changeOpen { open in
            open.indexInBatch = nil
            open.beganEarlier = true
        }
    }

    /// Moves what there is of the open transaction to the next batch: a piece of it would cost the
    /// target two transactions more.
    private mutating func keepOpen(of taken: inout Batch) {
        batch.append(taken, from: taken.transactions.count - 1)
        taken.removeLast(keepingRelations: phase.open?.relationsBefore ?? 0)
        phase.changeOpen { open in
            open.indexInBatch = 0
            open.relationsBefore = 0
        }
        for (index, relation) in batch.relations.enumerated()
        where self.relation(relation.id) == relation {
            relationIndexes[relation.id] = UInt32(index)
        }
    }

    /// What must be handed over before ``batch``; nil if nothing must.
    public mutating func takeReady() -> Batch? {
        ready.isEmpty ? nil : ready.removeFirst()
    }

    public var hasReady: Bool { !ready.isEmpty }

    /// Tables that the publication sends and this stream does not follow, each once.
    public mutating func takeUnfollowed() -> [RelationID: TableName] {
        guard unfollowed.contains(where: { !$0.value.isTold }) else { return [:] }
        let untold = unfollowed.filter { !$0.value.isTold }
        for id in untold.keys { unfollowed[id]?.isTold = true }
        return untold.mapValues(\.name)
    }

    /// The transaction that has just begun goes on from an earlier batch: what this batch holds
    /// of it, be it only its end, is a later piece.
    public mutating func continueTransaction() {
        phase.changeOpen { $0.beganEarlier = true }
    }

    // MARK: The stream

    /// Takes one pgoutput message.
    public mutating func receive(
        _ body: RawSpan, at lsn: LSN
    ) throws(StreamError) -> Action {
        let kind = try kind(of: body, at: lsn)
        let place = phase.place
        try grammar.check(kind, in: place, at: lsn)
        if place == .block, let xid = phase.block {
            return try receiveStreamed(kind, body: body, of: xid, at: lsn)
        }
        guard kind.isRow else {
            return try control(decode(body, streamed: false, at: lsn), at: lsn)
        }
        if owner != nil { turn(to: nil) }
        try appendRow(body, streamed: false, at: lsn)
        return .none
    }

    private mutating func control(
        _ message: ControlMessage, at lsn: LSN
    ) throws(StreamError) -> Action {
        switch message {
        case .begin(let begin):
            try grammar.check(begin, at: lsn)
            try open(
                OpenTransaction(
                    xid: begin.xid, commitLSN: begin.finalLSN, commitTime: begin.commitTime))
            return .began
        case .origin(let origin):
            noteOrigin(origin.name)
            return .none
        case .relation(let message):
            descriptions += 1
            learn(message.relation, described: descriptions)
            return .none
        case .type(let message):
            types[message.type.oid] = message.type
            return .none
        case .message(let message):
            return try received(message, at: lsn)
        case .truncate(let truncate):
            turn(to: nil)
            try appendTruncate(truncate, at: lsn)
            return .none
        case .commit(let commit):
            let open = phase.committed()
            try grammar.ended(commit, begun: open.commitLSN, time: open.commitTime, at: lsn)
            return finish(open, end: commit.endLSN)
        case .streamStart(let start):
            return try streamStarted(start, at: lsn)
        case .streamAbort(let abort):
            return streamAborted(abort.xid, subxid: abort.subxid)
        case .streamCommit(let commit):
            return try streamCommitted(commit, at: lsn)
        case .streamStop, .beginPrepare, .prepare, .commitPrepared, .rollbackPrepared,
            .streamPrepare:
            preconditionFailure("the grammar has refused it")
        }
    }

    /// - Parameters:
    ///   - origin: Known beforehand only for a streamed transaction.
    ///   - end: As `origin`.
    mutating func open(
        _ transaction: OpenTransaction, from origin: String? = nil, end: LSN? = nil
    ) throws(StreamError) {
        var transaction = transaction
        transaction.relationsBefore = batch.relations.count
        if let end {
            phase.replayBegan(transaction, from: origin, end: end)
        } else {
            phase.began(transaction)
        }
        lastCommitTime = transaction.commitTime
        if history != nil { try compareHistory(transaction) }
        keepTargetsIfSettled()
    }

    private mutating func noteOrigin(_ name: String) {
        let isUnwanted = skipsTransactionsWithOrigin
        phase.cameFrom(name)
        phase.changeOpen { $0.isUnwanted = isUnwanted }
        keepTargetsIfSettled()
    }

    private mutating func compareHistory(
        _ transaction: OpenTransaction
    ) throws(StreamError) {
        let identity = LastTransaction.Identity(
            xid: transaction.xid, commitTime: transaction.commitTime,
            hasOrigin: phase.origin != nil)
        guard try history?.began(identity, commitLSN: transaction.commitLSN) != true else {
            return
        }
        history = nil
    }

    /// - Throws: ``StreamError`` if what should have come before `walEnd` has not.
    public mutating func keepaliveReceived(walEnd: LSN) throws(StreamError) {
        grammar.keepaliveReceived(walEnd: walEnd)
        try history?.heard(walEnd: walEnd)
    }

    /// The slot is taken: see ``KnownHistory/slotTaken(confirmed:)``.
    public mutating func slotTaken(confirmed: LSN) {
        history?.slotTaken(confirmed: confirmed)
    }

    /// - Parameter transaction: It was open until now.
    mutating func finish(_ transaction: OpenTransaction, end: LSN) -> Action {
        let isEmpty = transaction.indexInBatch == nil && !transaction.beganEarlier
        heard = max(heard, end)
        if !isEmpty {
            let index = transaction.indexInBatch ?? append(transaction)
            batch.transactions[index].commitLSN = transaction.commitLSN
            batch.transactions[index].commitTime = transaction.commitTime
            batch.transactions[index].endLSN = end
            batch.transactions[index].isComplete = true
            completeTransactions += 1
        }
        return .committed(end: end, isEmpty: isEmpty)
    }
}
