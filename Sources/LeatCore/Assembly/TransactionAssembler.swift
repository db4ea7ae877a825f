public import PGWire

/// Puts the messages of a stream together into batches of whole transactions in commit order.
///
/// A transaction sent whole lies between Begin and Commit. A large one may come *streamed*, in
/// pieces between Stream Start and Stream Stop, before it is known to commit: those messages go
/// to a spool, by the caller, and come back through ``replay(_:at:)`` after Stream Commit,
/// without the subtransactions that were rolled back. Nothing of this survives a lost
/// connection: the server sends all of it again, perhaps in the other form.
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

    private struct OpenTransaction {
        var xid: TransactionID
        var commitLSN: LSN
        var commitTime: PostgresTimestamp
        var origin: String?
        /// Some of its changes left in an earlier batch.
        var beganEarlier = false
        var indexInBatch: Int?
        /// Its end, known beforehand only for a streamed transaction.
        var endLSN: LSN?
        var isUnwanted = false
    }

    private struct StreamedTransaction {
        /// As replayed so far.
        var relations: [RelationID: Relation] = [:]
        /// When each relation was last described within the transaction.
        var described: [RelationID: Int] = [:]
        var aborted: Set<TransactionID> = []
        /// Stands in its first block.
        var origin: String?
    }

    /// A relation of the open transaction: its index in the batch, or nil if its changes are
    /// not for the target.
    private struct Target {
        var id: RelationID
        var index: UInt32?
        var columnCount: Int
    }

    private let decoder: MessageDecoder
    private let tables: [TableName: LSN]
    private let skipsTransactionsWithOrigin: Bool
    private let position: LSN

    private var relations: [RelationID: Relation] = [:]
    private var described: [RelationID: Int] = [:]
    private var descriptions = 0
    private var open: OpenTransaction?
    private var streaming: TransactionID?
    private var replaying: TransactionID?
    private var streamed: [TransactionID: StreamedTransaction] = [:]
    private var relationIndexes: [RelationID: UInt32] = [:]
    /// Rows of one table mostly follow one another.
    private var lastTarget: Target?
    /// Tables in the stream that are not followed, each told once by ``takeUnfollowed()``.
    private var unfollowed: [TableName: Bool] = [:]

    public private(set) var batch = Batch()
    public private(set) var completeTransactions = 0

    /// - Parameters:
    ///   - tables: The tables to follow, each with the LSN of the snapshot it was copied at:
    ///     what a transaction that committed before it did to the table is there already.
    ///   - position: Transactions that end at or before it are stored already.
    ///   - skipsTransactionsWithOrigin: `origin none` for servers that do not filter themselves.
    public init(
        decoder: MessageDecoder, tables: [TableName: LSN], position: LSN,
        skipsTransactionsWithOrigin: Bool = false
    ) {
        self.decoder = decoder
        self.tables = tables
        self.position = position
        self.skipsTransactionsWithOrigin = skipsTransactionsWithOrigin
    }

    public var isTransactionOpen: Bool { open != nil }

    /// Hands over what has been put together. A transaction that is still open leaves its
    /// first piece in it.
    public mutating func takeBatch() -> Batch {
        if open?.indexInBatch != nil {
            open?.indexInBatch = nil
            open?.beganEarlier = true
        }
        completeTransactions = 0
        forgetIndexes()
        var taken = Batch()
        swap(&taken, &batch)
        return taken
    }

    /// Tables that the publication sends and this stream does not follow, each once.
    public mutating func takeUnfollowed() -> [TableName] {
        guard unfollowed.contains(where: { !$0.value }) else { return [] }
        let names = unfollowed.filter { !$0.value }.map(\.key)
        for name in names { unfollowed[name] = true }
        return names.sorted()
    }

    // MARK: The stream

    /// Takes one pgoutput message.
    public mutating func receive(
        _ body: RawSpan, at lsn: LSN
    ) throws(StreamError) -> Action {
        let kind = try kind(of: body, at: lsn)
        if let xid = streaming { return try receiveStreamed(kind, body, xid, at: lsn) }
        guard kind.isRow else {
            return try control(kind, try decode(body, streamed: false, at: lsn), at: lsn)
        }
        guard open != nil else { throw StreamError(.outOfOrder(kind), at: lsn) }
        try appendRow(body, streamed: false, at: lsn)
        return .none
    }

    private mutating func control(
        _ kind: MessageKind, _ message: ControlMessage, at lsn: LSN
    ) throws(StreamError) -> Action {
        switch message {
        case .begin(let begin):
            try open(
                OpenTransaction(
                    xid: begin.xid, commitLSN: begin.finalLSN, commitTime: begin.commitTime),
                kind, at: lsn)
            return .began
        case .origin(let origin):
            guard open != nil else { throw StreamError(.outOfOrder(kind), at: lsn) }
            open?.origin = origin.name
            open?.isUnwanted = skipsTransactionsWithOrigin
            return .none
        case .relation(let message):
            descriptions += 1
            learn(message.relation, described: descriptions)
            return .none
        case .type, .message:
            return .none
        case .truncate(let truncate):
            guard open != nil else { throw StreamError(.outOfOrder(kind), at: lsn) }
            try appendTruncate(truncate, at: lsn)
            return .none
        case .commit(let commit):
            return try finish(end: commit.endLSN, kind, at: lsn)
        case .streamStart(let start):
            return try streamStarted(start, kind, at: lsn)
        case .streamAbort(let abort):
            return streamAborted(abort.xid, abort.subxid)
        case .streamCommit(let commit):
            return try beginReplay(commit, kind, at: lsn)
        case .streamStop:
            throw StreamError(.outOfOrder(kind), at: lsn)
        case .beginPrepare, .prepare, .commitPrepared, .rollbackPrepared, .streamPrepare:
            throw StreamError(.twoPhase(kind), at: lsn)
        }
    }

    private mutating func open(
        _ transaction: OpenTransaction, _ kind: MessageKind, at lsn: LSN
    ) throws(StreamError) {
        guard open == nil else { throw StreamError(.outOfOrder(kind), at: lsn) }
        open = transaction
        lastTarget = nil
    }

    private mutating func finish(
        end: LSN, _ kind: MessageKind, at lsn: LSN
    ) throws(StreamError) -> Action {
        guard let transaction = open else { throw StreamError(.outOfOrder(kind), at: lsn) }
        let isEmpty = transaction.indexInBatch == nil && !transaction.beganEarlier
        if !isEmpty {
            let index = openIndex()
            batch.transactions[index].endLSN = end
            batch.transactions[index].isComplete = true
            completeTransactions += 1
        }
        open = nil
        return .committed(end: end, isEmpty: isEmpty)
    }

    // MARK: Streamed transactions

    private mutating func streamStarted(
        _ start: StreamStartMessage, _ kind: MessageKind, at lsn: LSN
    ) throws(StreamError) -> Action {
        guard open == nil else { throw StreamError(.outOfOrder(kind), at: lsn) }
        streaming = start.xid
        guard start.isFirstSegment else {
            guard streamed[start.xid] != nil else {
                throw StreamError(.unknownStreamedTransaction(start.xid), at: lsn)
            }
            return .none
        }
        streamed[start.xid] = StreamedTransaction()
        return .discard(start.xid)
    }

    private mutating func receiveStreamed(
        _ kind: MessageKind, _ body: RawSpan, _ xid: TransactionID, at lsn: LSN
    ) throws(StreamError) -> Action {
        switch kind {
        case .streamStop:
            _ = try decode(body, streamed: true, at: lsn)
            streaming = nil
            return .none
        case .relation:
            guard case .relation(let message) = try decode(body, streamed: true, at: lsn) else {
                preconditionFailure("a message of kind R is a relation")
            }
            descriptions += 1
            streamed[xid]?.described[message.relation.id] = descriptions
            return .spool(xid)
        case .insert, .update, .delete, .truncate:
            return .spool(xid)
        case .origin:
            guard case .origin(let origin) = try decode(body, streamed: true, at: lsn) else {
                preconditionFailure("a message of kind O is an origin")
            }
            streamed[xid]?.origin = origin.name
            return .none
        case .message, .type:
            return .none
        case .begin, .commit, .streamStart, .streamCommit, .streamAbort, .beginPrepare, .prepare,
            .commitPrepared, .rollbackPrepared, .streamPrepare:
            throw StreamError(.outOfOrder(kind), at: lsn)
        }
    }

    private mutating func streamAborted(_ xid: TransactionID, _ subxid: TransactionID) -> Action {
        guard xid == subxid else {
            streamed[xid]?.aborted.insert(subxid)
            return .none
        }
        streamed[xid] = nil
        return .discard(xid)
    }

    private mutating func beginReplay(
        _ commit: StreamCommitMessage, _ kind: MessageKind, at lsn: LSN
    ) throws(StreamError) -> Action {
        guard let transaction = streamed[commit.xid] else {
            throw StreamError(.unknownStreamedTransaction(commit.xid), at: lsn)
        }
        try open(
            OpenTransaction(
                xid: commit.xid, commitLSN: commit.commitLSN, commitTime: commit.commitTime,
                origin: transaction.origin, endLSN: commit.endLSN,
                isUnwanted: skipsTransactionsWithOrigin && transaction.origin != nil),
            kind, at: lsn)
        replaying = commit.xid
        return .replay(commit.xid)
    }

    /// Takes one spooled message of the transaction that ``Action/replay(_:)`` named.
    public mutating func replay(_ body: RawSpan, at lsn: LSN) throws(StreamError) {
        guard let xid = replaying else { preconditionFailure("no replay is under way") }
        let kind = try kind(of: body, at: lsn)
        let isAborted = try streamed[xid]?.aborted.contains(subxid(of: body, at: lsn)) ?? false
        if kind.isRow {
            if !isAborted { try appendRow(body, streamed: true, at: lsn) }
            return
        }
        let message = try decode(body, streamed: true, at: lsn)
        // What a rolled-back subtransaction told of a relation still describes the rows that
        // come after it: the server does not repeat itself within a transaction.
        if case .relation(let relation) = message { learnStreamed(relation.relation, in: xid) }
        if case .truncate(let truncate) = message, !isAborted {
            try appendTruncate(truncate, at: lsn)
        }
    }

    /// The last spooled message was given. Its relations become everybody's now, unless a
    /// newer description came meanwhile: the server does not repeat them.
    public mutating func finishReplay() throws(StreamError) -> Action {
        guard let xid = replaying, let transaction = open, let end = transaction.endLSN else {
            preconditionFailure("no replay is under way")
        }
        let action = try finish(end: end, .streamCommit, at: transaction.commitLSN)
        replaying = nil
        forgetIndexes()
        if let ended = streamed.removeValue(forKey: xid) {
            for (id, relation) in ended.relations {
                learn(relation, described: ended.described[id] ?? 0)
            }
        }
        return action
    }

    // MARK: Relations

    private mutating func learn(_ relation: Relation, described when: Int) {
        guard when > described[relation.id] ?? 0 else { return }
        described[relation.id] = when
        guard relations[relation.id] != relation else { return }
        relations[relation.id] = relation
        forget(relation.id)
    }

    private mutating func learnStreamed(_ relation: Relation, in xid: TransactionID) {
        streamed[xid]?.relations[relation.id] = relation
        forget(relation.id)
    }

    private mutating func forget(_ id: RelationID) {
        relationIndexes[id] = nil
        lastTarget = nil
    }

    private mutating func forgetIndexes() {
        relationIndexes.removeAll(keepingCapacity: true)
        lastTarget = nil
    }

    private func relation(_ id: RelationID) -> Relation? {
        if let xid = replaying, let own = streamed[xid]?.relations[id] { return own }
        return relations[id]
    }

    private mutating func target(
        _ id: RelationID, at lsn: LSN
    ) throws(StreamError) -> Target {
        if let last = lastTarget, last.id == id { return last }
        guard let relation = relation(id) else { throw StreamError(.unknownRelation(id), at: lsn) }
        let target = Target(
            id: id, index: isWanted(relation) ? index(of: relation) : nil,
            columnCount: relation.columns.count)
        lastTarget = target
        return target
    }

    private mutating func index(of relation: Relation) -> UInt32 {
        if let known = relationIndexes[relation.id] { return known }
        let index = UInt32(batch.relations.count)
        batch.relations.append(relation)
        relationIndexes[relation.id] = index
        return index
    }

    private mutating func isWanted(_ relation: Relation) -> Bool {
        guard let open, !open.isUnwanted else { return false }
        let name = TableName(relation)
        guard let snapshot = tables[name] else {
            if unfollowed[name] == nil { unfollowed[name] = false }
            return false
        }
        // Both are ends of records, so a commit record that starts before one ends there or
        // before it.
        return open.commitLSN >= snapshot && open.commitLSN >= position
    }

    // MARK: Changes

    private mutating func appendRow(
        _ body: RawSpan, streamed: Bool, at lsn: LSN
    ) throws(StreamError) {
        let (bytes, columns) = (batch.bytes.count, batch.columns.count)
        let row = try decodeRow(body, streamed: streamed, at: lsn)
        let target = try target(row.relationID, at: lsn)
        if row.oldKind != .none { try check(row.old, target, at: lsn) }
        if row.kind != .delete { try check(row.new, target, at: lsn) }
        guard let index = target.index else {
            batch.bytes.removeLast(batch.bytes.count - bytes)
            batch.columns.removeLast(batch.columns.count - columns)
            return
        }
        _ = openIndex()
        batch.changes.append(
            Change(
                kind: row.kind, oldKind: row.oldKind, relation: index, old: row.old,
                new: row.new, lsn: lsn))
    }

    private func check(
        _ tuple: Tuple, _ target: Target, at lsn: LSN
    ) throws(StreamError) {
        guard Int(tuple.count) == target.columnCount else {
            throw StreamError(
                .columnCount(expected: target.columnCount, got: Int(tuple.count)), at: lsn)
        }
    }

    private mutating func appendTruncate(
        _ truncate: TruncateMessage, at lsn: LSN
    ) throws(StreamError) {
        var indexes: [UInt32] = []
        for id in truncate.relationIDs {
            if let index = try target(id, at: lsn).index { indexes.append(index) }
        }
        guard !indexes.isEmpty else { return }
        _ = openIndex()
        batch.truncates.append(
            Truncate(
                relations: indexes, cascade: truncate.cascade,
                restartIdentity: truncate.restartIdentity))
        batch.changes.append(
            Change(
                kind: .truncate, oldKind: .none, relation: UInt32(batch.truncates.count - 1),
                old: .none, new: .none, lsn: lsn))
    }

    /// The open transaction's place in the batch, made at its first change there.
    private mutating func openIndex() -> Int {
        guard let transaction = open else { preconditionFailure("no transaction is open") }
        if let index = transaction.indexInBatch { return index }
        batch.transactions.append(
            Transaction(
                xid: transaction.xid, commitLSN: transaction.commitLSN, endLSN: .zero,
                commitTime: transaction.commitTime, origin: transaction.origin,
                firstChange: batch.changes.count, beganEarlier: transaction.beganEarlier,
                isComplete: false))
        open?.indexInBatch = batch.transactions.count - 1
        return batch.transactions.count - 1
    }

    // MARK: Decoding

    private func kind(of body: RawSpan, at lsn: LSN) throws(StreamError) -> MessageKind {
        do { return try decoder.kind(of: body) } catch {
            throw StreamError(.malformed(error), at: lsn)
        }
    }

    private func subxid(of body: RawSpan, at lsn: LSN) throws(StreamError) -> TransactionID {
        do { return try decoder.streamedXID(of: body) } catch {
            throw StreamError(.malformed(error), at: lsn)
        }
    }

    private func decode(
        _ body: RawSpan, streamed: Bool, at lsn: LSN
    ) throws(StreamError) -> ControlMessage {
        do { return try decoder.decodeControl(body, streamed: streamed) } catch {
            throw StreamError(.malformed(error), at: lsn)
        }
    }

    private mutating func decodeRow(
        _ body: RawSpan, streamed: Bool, at lsn: LSN
    ) throws(StreamError) -> RowMessage {
        do { return try decoder.decodeRow(body, streamed: streamed, into: &batch) } catch {
            throw StreamError(.malformed(error), at: lsn)
        }
    }
}
