public import LeatCore
public import PGWire

/// Makes of the messages of a stream what a person wants to know of it: which transactions are
/// in it, and how many changes of which tables.
///
/// Unlike ``TransactionAssembler`` it keeps no row. A transaction that comes while it is in
/// progress is only counted, so it needs no spool; in exchange its changes cannot be shown one by
/// one, and a stream that is to show them is asked for without `streaming`.
public struct PeekAssembler: Sendable {
    public enum Event: Sendable {
        case none
        /// Only if changes are shown. The transaction has no end and no counts yet; nil for a
        /// message that belongs to none.
        case change(PeekedChange, of: PeekedTransaction?)
        case committed(PeekedTransaction)
        /// A message that belongs to no transaction.
        case message(PeekedChanges, at: LSN)
        /// A transaction that had come in part was rolled back.
        case rolledBack(UncommittedTransaction)
        /// What came is beyond the end, and so is all that would follow.
        case passedEnd
    }

    struct Known: Sendable {
        var relation: Relation
        /// Nil for a table that is not looked for.
        var subject: Int?
        var described: Int
    }

    struct Streamed: Sendable {
        var origin: String?
        var changes = StreamedChanges()
        /// Descriptions within the transaction, which become everybody's when it commits.
        var known: [RelationID: Known] = [:]
    }

    /// Where in the stream it is.
    enum Phase: Sendable {
        case between
        case transaction(PeekedTransaction)
        /// In a block of this transaction.
        case block(TransactionID)

        var place: StreamGrammar.Place {
            switch self {
            case .between: .between
            case .transaction: .transaction
            case .block: .block
            }
        }

        var transaction: PeekedTransaction? {
            switch self {
            case .transaction(let open): open
            case .between, .block: nil
            }
        }
    }

    let decoder: MessageDecoder
    let end: LSN
    let showsChanges: Bool

    var grammar = StreamGrammar()
    var phase = Phase.between
    var subjects: PeekSubjects
    var known: [RelationID: Known] = [:]
    var descriptions = 0
    /// Rows of one table mostly follow one another.
    var lastKnown: Known?
    /// Of the transaction that is open.
    var whole = WholeChanges()
    /// What is known of the transaction whose block is being read, taken out of ``streamed``.
    var part = Streamed()
    var streamed: [TransactionID: Streamed] = [:]
    var scratch = Batch()

    /// - Parameters:
    ///   - tables: Those that are looked for; empty for all, and logical messages.
    ///   - end: What commits at or after it is no longer of interest.
    public init(
        decoder: MessageDecoder, tables: [TablePattern], end: LSN, showsChanges: Bool
    ) {
        self.decoder = decoder
        self.end = end
        self.showsChanges = showsChanges
        subjects = PeekSubjects(tables: tables)
    }

    /// Transactions that have come in part and are not decided yet, in the order of their
    /// numbers.
    public var inProgress: [UncommittedTransaction] {
        streamed.sorted { $0.key.rawValue < $1.key.rawValue }.map { xid, transaction in
            var changes = transaction.changes
            return UncommittedTransaction(xid: xid, changes: list(&changes))
        }
    }

    /// The server has sent everything that commits before `walEnd`.
    public mutating func keepaliveReceived(walEnd: LSN) {
        grammar.keepaliveReceived(walEnd: walEnd)
    }

    /// Takes one pgoutput message.
    public mutating func receive(
        _ body: RawSpan, at lsn: LSN
    ) throws(StreamError) -> Event {
        let kind = try kind(of: body, at: lsn)
        try grammar.check(kind, in: phase.place, at: lsn)
        guard kind.isRow else {
            return try control(decode(body, at: lsn), bytes: body.byteCount, at: lsn)
        }
        return try count(decodeRow(body, at: lsn), bytes: body.byteCount, at: lsn)
    }

    private func kind(of body: RawSpan, at lsn: LSN) throws(StreamError) -> MessageKind {
        do { return try decoder.kind(of: body) } catch {
            throw StreamError(.malformed(error), at: lsn)
        }
    }

    private func decode(_ body: RawSpan, at lsn: LSN) throws(StreamError) -> ControlMessage {
        do { return try decoder.decodeControl(body, streamed: phase.place == .block) } catch {
            throw StreamError(.malformed(error), at: lsn)
        }
    }

    private mutating func decodeRow(
        _ body: RawSpan, at lsn: LSN
    ) throws(StreamError) -> RowMessage {
        scratch.removeAll(keepingCapacity: true)
        do {
            return try decoder.decodeRow(body, streamed: phase.place == .block, into: &scratch)
        } catch {
            throw StreamError(.malformed(error), at: lsn)
        }
    }

    private mutating func control(
        _ message: ControlMessage, bytes: Int, at lsn: LSN
    ) throws(StreamError) -> Event {
        switch message {
        case .begin(let begin):
            return try began(begin, at: lsn)
        case .commit(let commit):
            return try committed(commit, at: lsn)
        case .origin(let origin):
            note(origin)
            return .none
        case .relation(let message):
            learn(message.relation)
            return .none
        case .type:
            return .none
        case .truncate(let truncate):
            return try count(truncate, bytes: bytes, at: lsn)
        case .message(let message):
            return try count(message, bytes: bytes, at: lsn)
        case .streamStart(let start):
            return try blockStarted(start, at: lsn)
        case .streamStop:
            return blockStopped()
        case .streamCommit(let commit):
            return try streamCommitted(commit, at: lsn)
        case .streamAbort(let abort):
            return streamAborted(abort)
        case .beginPrepare, .prepare, .commitPrepared, .rollbackPrepared, .streamPrepare:
            preconditionFailure("the grammar has refused it")
        }
    }

    // MARK: Transactions

    private mutating func began(
        _ begin: BeginMessage, at lsn: LSN
    ) throws(StreamError) -> Event {
        try grammar.check(begin, at: lsn)
        guard begin.finalLSN < end else { return .passedEnd }
        phase = .transaction(
            PeekedTransaction(
                xid: begin.xid, commitLSN: begin.finalLSN, commitTime: begin.commitTime))
        return .none
    }

    private mutating func note(_ origin: OriginMessage) {
        switch phase {
        case .transaction(var open):
            open.origin = origin.name
            phase = .transaction(open)
        case .block: part.origin = origin.name
        case .between: break
        }
    }

    private mutating func committed(
        _ commit: CommitMessage, at lsn: LSN
    ) throws(StreamError) -> Event {
        guard case .transaction(var transaction) = phase else {
            preconditionFailure("the grammar has refused a commit of nothing")
        }
        try grammar.ended(
            commit, begun: transaction.commitLSN, time: transaction.commitTime, at: lsn)
        phase = .between
        transaction.endLSN = commit.endLSN
        transaction.changes = whole.take()
        return .committed(transaction)
    }

    // MARK: Relations

    private mutating func learn(_ relation: Relation) {
        descriptions += 1
        lastKnown = nil
        let fresh = Known(
            relation: relation, subject: subjects.number(of: relation), described: descriptions)
        switch phase {
        case .block: part.known[relation.id] = fresh
        case .between, .transaction: known[relation.id] = fresh
        }
    }

    private mutating func known(
        _ id: RelationID, at lsn: LSN
    ) throws(StreamError) -> Known {
        if let lastKnown, lastKnown.relation.id == id { return lastKnown }
        guard let found = part.known[id] ?? known[id] else {
            throw StreamError(.unknownRelation(id), at: lsn)
        }
        lastKnown = found
        return found
    }

    // MARK: Changes

    private mutating func count(
        _ row: RowMessage, bytes: Int, at lsn: LSN
    ) throws(StreamError) -> Event {
        let table = try known(row.relationID, at: lsn)
        if row.oldKind != .none { try check(row.old, against: table, at: lsn) }
        if row.kind != .delete { try check(row.new, against: table, at: lsn) }
        guard let subject = table.subject else { return .none }
        add(subject, operation: row.kind.operation, bytes: bytes, subxid: row.xid)
        guard showsChanges else { return .none }
        return .change(change(row, of: table.relation, at: lsn), of: phase.transaction)
    }

    private func check(_ tuple: Tuple, against table: Known, at lsn: LSN) throws(StreamError) {
        let expected = table.relation.columns.count
        guard Int(tuple.count) == expected else {
            throw StreamError(.columnCount(expected: expected, got: Int(tuple.count)), at: lsn)
        }
    }

    private mutating func count(
        _ truncate: TruncateMessage, bytes: Int, at lsn: LSN
    ) throws(StreamError) -> Event {
        var bytes = bytes
        var names: [TableName] = []
        for id in truncate.relationIDs {
            let table = try known(id, at: lsn)
            guard let subject = table.subject else { continue }
            add(subject, operation: .truncate, bytes: bytes, subxid: truncate.xid)
            // The message came once.
            bytes = 0
            names.append(TableName(table.relation))
        }
        guard showsChanges, !names.isEmpty else { return .none }
        return .change(
            PeekedChange(
                lsn: lsn,
                content: .truncate(
                    names, cascade: truncate.cascade,
                    restartIdentity: truncate.restartIdentity)), of: phase.transaction)
    }

    private mutating func count(
        _ message: LogicalDecodingMessage, bytes: Int, at lsn: LSN
    ) throws(StreamError) -> Event {
        try grammar.checkMessage(
            isTransactional: message.isTransactional, in: phase.place, at: lsn)
        if !message.isTransactional {
            try grammar.messageCame(message.lsn, at: lsn)
            // The end of its record.
            if message.lsn > end { return .passedEnd }
        }
        guard let subject = subjects.number(ofPrefix: message.prefix) else { return .none }
        if message.isTransactional {
            add(subject, operation: .message, bytes: bytes, subxid: message.xid)
        }
        if showsChanges {
            let content = PeekedChange.Content.message(
                prefix: message.prefix, content: message.content,
                isTransactional: message.isTransactional)
            return .change(
                PeekedChange(lsn: message.lsn, content: content),
                of: phase.transaction)
        }
        guard !message.isTransactional else { return .none }
        var changes = PeekedChanges(subjects.all[subject])
        changes[.message] = ChangeTally(count: 1, bytes: bytes)
        return .message(changes, at: message.lsn)
    }

    private mutating func add(
        _ subject: Int, operation: PeekedChanges.Operation, bytes: Int, subxid: TransactionID?
    ) {
        if let subxid {
            // Without its number, as it comes when the transaction is not streamed.
            let bytes = max(bytes - MemoryLayout<UInt32>.size, 0)
            part.changes.add(
                subxid: subxid, subject: subject, operation: operation, bytes: bytes)
            return
        }
        whole.add(
            subject, operation: operation, tally: ChangeTally(count: 1, bytes: bytes), of: subjects)
    }
}

extension Change.Kind {
    var operation: PeekedChanges.Operation {
        switch self {
        case .insert: .insert
        case .update: .update
        case .delete: .delete
        case .truncate: .truncate
        case .message: .message
        }
    }
}
