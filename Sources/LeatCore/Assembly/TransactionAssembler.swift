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

    struct OpenTransaction {
        var xid: TransactionID
        var commitLSN: LSN
        var commitTime: PostgresTimestamp
        var origin: String?
        /// Some of its changes left in an earlier batch.
        var beganEarlier = false
        var indexInBatch: Int?
        /// Relations in the batch when it began.
        var relationsBefore = 0
        /// Its end, known beforehand only for a streamed transaction.
        var endLSN: LSN?
        var isUnwanted = false
        /// Nobody knows yet whether, and where, it commits.
        var isInProgress = false
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
    var order = CommitOrder()
    /// So many streamed transactions may leave in pieces at a time.
    let piecesAtOnce: Int
    let mostSubtransactions: Int
    let tellsRepetitions: Bool

    var relations: [RelationID: Relation] = [:]
    /// By OID: the server names a type before the first relation that uses it, and not again.
    var types: [UInt32: TypeDescription] = [:]
    var described: [RelationID: Int] = [:]
    var descriptions = 0
    var open: OpenTransaction?
    /// Before the first one nothing is late.
    var lastCommitTime = PostgresTimestamp(rawValue: .max)
    var streaming: TransactionID?
    /// Whether what is streamed now leaves in pieces.
    var isPiece = false
    /// The subtransaction of the last change in a piece.
    var lastSubxid: TransactionID?
    /// Whose piece ``batch`` is; nil for whole transactions.
    var owner: TransactionID?
    /// What was put together before ``batch``, and must go before it.
    var ready: [Batch] = []
    /// The end of the last commit, or where a block began.
    var heard = LSN.zero
    var replaying: TransactionID?
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

    public var isTransactionOpen: Bool { open != nil }

    /// When the transaction of the newest message committed; nil while one is in progress on the
    /// source, which comes streamed.
    public var commitTime: PostgresTimestamp? { streaming == nil ? lastCommitTime : nil }

    /// Hands over what has been put together. A transaction that is still open stays for the next
    /// batch, unless it is the only one: then its first piece leaves.
    public mutating func takeBatch() -> Batch {
        completeTransactions = 0
        forgetIndexes()
        var taken = SpareBatches.shared.take()
        swap(&taken, &batch)
        // Batches are as large as the load is, for a while.
        batch.reserveCapacity(like: taken)
        if let index = open?.indexInBatch {
            index > 0 ? keepOpen(of: &taken) : leaveOpen()
        }
        if let owner { markPiece(&taken, of: owner) }
        return taken
    }

    private mutating func leaveOpen() {
        open?.indexInBatch = nil
        open?.beganEarlier = true
    }

    /// Moves what there is of the open transaction to the next batch: a piece of it would cost the
    /// target two transactions more.
    private mutating func keepOpen(of taken: inout Batch) {
        batch.append(taken, from: taken.transactions.count - 1)
        taken.removeLast(keepingRelations: open?.relationsBefore ?? 0)
        open?.indexInBatch = 0
        open?.relationsBefore = 0
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
        open?.beganEarlier = true
    }

    // MARK: The stream

    /// Takes one pgoutput message.
    public mutating func receive(
        _ body: RawSpan, at lsn: LSN
    ) throws(StreamError) -> Action {
        let kind = try kind(of: body, at: lsn)
        if let xid = streaming { return try receiveStreamed(kind, body: body, of: xid, at: lsn) }
        guard kind.isRow else {
            return try control(kind, message: try decode(body, streamed: false, at: lsn), at: lsn)
        }
        guard open != nil else { throw StreamError(.outOfOrder(kind), at: lsn) }
        if owner != nil { turn(to: nil) }
        try appendRow(body, streamed: false, at: lsn)
        return .none
    }

    mutating func control(
        _ kind: MessageKind, message: ControlMessage, at lsn: LSN
    ) throws(StreamError) -> Action {
        switch message {
        case .begin(let begin):
            try open(
                OpenTransaction(
                    xid: begin.xid, commitLSN: begin.finalLSN, commitTime: begin.commitTime),
                of: kind, at: lsn)
            return .began
        case .origin(let origin):
            guard open != nil else { throw StreamError(.outOfOrder(kind), at: lsn) }
            open?.origin = origin.name
            open?.isUnwanted = skipsTransactionsWithOrigin
            keepTargetsIfSettled()
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
            guard open != nil else { throw StreamError(.outOfOrder(kind), at: lsn) }
            turn(to: nil)
            try appendTruncate(truncate, at: lsn)
            return .none
        case .commit(let commit):
            guard let open else { throw StreamError(.outOfOrder(kind), at: lsn) }
            try commit.check(commit: open.commitLSN, time: open.commitTime, at: lsn)
            return try finish(end: commit.endLSN, kind, at: lsn)
        case .streamStart(let start):
            return try streamStarted(start, of: kind, at: lsn)
        case .streamAbort(let abort):
            guard open == nil else { throw StreamError(.outOfOrder(kind), at: lsn) }
            return streamAborted(abort.xid, subxid: abort.subxid)
        case .streamCommit(let commit):
            return try streamCommitted(commit, of: kind, at: lsn)
        case .streamStop:
            throw StreamError(.outOfOrder(kind), at: lsn)
        case .beginPrepare, .prepare, .commitPrepared, .rollbackPrepared, .streamPrepare:
            throw StreamError(.twoPhase(kind), at: lsn)
        }
    }

    mutating func open(
        _ transaction: OpenTransaction, of kind: MessageKind, at lsn: LSN
    ) throws(StreamError) {
        guard open == nil else { throw StreamError(.outOfOrder(kind), at: lsn) }
        guard transaction.xid.rawValue != 0 else {
            throw StreamError(.noTransactionID(kind), at: lsn)
        }
        try order.check(transaction.commitLSN, of: kind, at: lsn)
        open = transaction
        open?.relationsBefore = batch.relations.count
        lastCommitTime = transaction.commitTime
        if history != nil { try compareHistory(transaction) }
        keepTargetsIfSettled()
    }

    private mutating func compareHistory(
        _ transaction: OpenTransaction
    ) throws(StreamError) {
        let identity = LastTransaction.Identity(
            xid: transaction.xid, commitTime: transaction.commitTime,
            hasOrigin: transaction.origin != nil)
        guard try history?.began(identity, commitLSN: transaction.commitLSN) != true else {
            return
        }
        history = nil
    }

    /// - Throws: ``StreamError`` if what should have come before `walEnd` has not.
    public mutating func keepaliveReceived(walEnd: LSN) throws(StreamError) {
        order.keepaliveReceived(walEnd: walEnd)
        try history?.heard(walEnd: walEnd)
    }

    /// The slot is taken: see ``KnownHistory/slotTaken(confirmed:)``.
    public mutating func slotTaken(confirmed: LSN) {
        history?.slotTaken(confirmed: confirmed)
    }

    mutating func finish(
        end: LSN, _ kind: MessageKind, at lsn: LSN
    ) throws(StreamError) -> Action {
        guard let transaction = open else { throw StreamError(.outOfOrder(kind), at: lsn) }
        try order.ended(transaction.commitLSN, end: end, at: lsn)
        let isEmpty = transaction.indexInBatch == nil && !transaction.beganEarlier
        heard = max(heard, end)
        if !isEmpty {
            let index = openIndex()
            batch.transactions[index].commitLSN = transaction.commitLSN
            batch.transactions[index].commitTime = transaction.commitTime
            batch.transactions[index].endLSN = end
            batch.transactions[index].isComplete = true
            completeTransactions += 1
        }
        open = nil
        return .committed(end: end, isEmpty: isEmpty)
    }
}
