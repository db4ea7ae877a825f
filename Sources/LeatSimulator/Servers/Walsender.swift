internal import LeatTestSupport
internal import PGWire

/// What a server sends of a slot: decodes its history from front to back, and streams what is large
/// before it is known to commit.
struct Walsender {
    private struct InProgress {
        struct Row {
            var subxid: UInt32
            var text: String
            var isFollowed: Bool
            var lsn: LSN
        }

        var xid: UInt32
        var rows: [Row] = []
        var isStreamed = false
        var isDescribed = false
        /// Streamed already, and no longer in ``rows``.
        var streamedSubtransactions: [UInt32] = []
    }

    /// Transactions that commit before it are not sent.
    let start: LSN
    /// So many rows of a transaction are kept before they are streamed; nil: until its commit.
    let streamsBeyond: Int?
    private var next = 0
    private var inProgress: [InProgress] = []
    private var payloads: [[UInt8]] = []
    private var place = 0
    private var isDescribed = false
    private var named = LSN.zero
    private var sent = LSN.zero

    init(start: LSN, streamsBeyond: Int?) {
        self.start = start
        self.streamsBeyond = streamsBeyond
    }

    /// The next payload, if the server has one.
    mutating func payload(_ history: SourceHistory, asksForReply: Bool) -> [UInt8]? {
        while place == payloads.count, next < history.records.count,
            history.records[next].end <= history.flushed
        {
            (payloads, place) = ([], 0)
            decode(history.records[next])
            next += 1
        }
        if place < payloads.count {
            defer { place += 1 }
            return payloads[place]
        }
        return keepalive(asksForReply)
    }

    private mutating func keepalive(_ asksForReply: Bool) -> [UInt8]? {
        guard sent > named || asksForReply else { return nil }
        named = max(named, sent)
        return WireEncoder.encode(
            Keepalive(
                walEnd: named, sendTime: PostgresTimestamp(rawValue: 0),
                replyRequested: asksForReply))
    }

    // MARK: Decoding

    private mutating func decode(_ record: SourceRecord) {
        sent = record.end
        switch record.kind {
        case .row(let xid, let subxid, let text, let isFollowed):
            let index = index(of: xid)
            inProgress[index].rows.append(
                .init(subxid: subxid, text: text, isFollowed: isFollowed, lsn: record.start))
            if let streamsBeyond, record.start >= start,
                inProgress[index].rows.count > streamsBeyond
            {
                stream(index)
            }
        case .rollBackTo(let xid, let subxid):
            rollBack(xid, to: subxid, at: record.start)
        case .rollBack(let xid):
            let index = index(of: xid)
            let transaction = inProgress.remove(at: index)
            if transaction.isStreamed { abort(xid, subxid: xid, at: record.start) }
        case .commit(let xid, let time):
            commit(inProgress.remove(at: index(of: xid)), at: time, as: record)
        case .other:
            break
        }
    }

    private mutating func index(of xid: UInt32) -> Int {
        if let index = inProgress.firstIndex(where: { $0.xid == xid }) { return index }
        inProgress.append(InProgress(xid: xid))
        return inProgress.count - 1
    }

    private mutating func rollBack(_ xid: UInt32, to subxid: UInt32, at lsn: LSN) {
        let index = index(of: xid)
        inProgress[index].rows.removeAll { $0.subxid == subxid }
        if inProgress[index].streamedSubtransactions.contains(subxid) {
            abort(xid, subxid: subxid, at: lsn)
        }
    }

    private mutating func abort(_ xid: UInt32, subxid: UInt32, at lsn: LSN) {
        send(
            .streamAbort(
                StreamAbortMessage(
                    xid: TransactionID(rawValue: xid), subxid: TransactionID(rawValue: subxid))),
            at: lsn)
    }

    // MARK: Sending

    private mutating func send(_ message: ControlMessage, at lsn: LSN) {
        send(WireEncoder.encode(message), at: lsn)
    }

    private mutating func send(_ body: [UInt8], at lsn: LSN) {
        payloads.append(WireEncoder.payload(body, at: lsn))
    }

    private mutating func commit(
        _ transaction: InProgress, at time: Int64, as record: SourceRecord
    ) {
        guard record.start >= start else { return }
        let xid = TransactionID(rawValue: transaction.xid)
        let time = PostgresTimestamp(rawValue: time)
        guard !transaction.isStreamed else {
            block(transaction)
            return send(
                .streamCommit(
                    StreamCommitMessage(
                        xid: xid, commitLSN: record.start, endLSN: record.end, commitTime: time)),
                at: record.start)
        }
        guard let first = transaction.rows.first else { return }
        send(
            .begin(BeginMessage(finalLSN: record.start, commitTime: time, xid: xid)), at: first.lsn)
        if !isDescribed {
            isDescribed = true
            describe(nil, at: first.lsn)
        }
        for row in transaction.rows { send(row, in: nil) }
        send(
            .commit(
                CommitMessage(commitLSN: record.start, endLSN: record.end, commitTime: time)),
            at: record.start)
    }

    private mutating func stream(_ index: Int) {
        block(inProgress[index])
        inProgress[index].isStreamed = true
        inProgress[index].isDescribed = true
        for row in inProgress[index].rows
        where !inProgress[index].streamedSubtransactions.contains(row.subxid) {
            inProgress[index].streamedSubtransactions.append(row.subxid)
        }
        inProgress[index].rows = []
    }

    private mutating func block(_ transaction: InProgress) {
        guard let first = transaction.rows.first else { return }
        let xid = TransactionID(rawValue: transaction.xid)
        send(
            .streamStart(
                StreamStartMessage(xid: xid, isFirstSegment: !transaction.isStreamed)),
            at: first.lsn)
        if !transaction.isDescribed { describe(xid, at: first.lsn) }
        for row in transaction.rows { send(row, in: TransactionID(rawValue: row.subxid)) }
        send(.streamStop, at: transaction.rows.last?.lsn ?? first.lsn)
    }

    private mutating func describe(_ xid: TransactionID?, at lsn: LSN) {
        for relation in [SimulatedTable.followed, SimulatedTable.other] {
            send(.relation(RelationMessage(xid: xid, relation: relation)), at: lsn)
        }
    }

    private mutating func send(_ row: InProgress.Row, in xid: TransactionID?) {
        let relation = row.isFollowed ? SimulatedTable.followed : SimulatedTable.other
        send(WireEncoder.insert(into: relation.id, [.text(row.text)], xid: xid), at: row.lsn)
    }
}

/// The tables of the source. The stream follows one of them.
enum SimulatedTable {
    static let followed = relation(1, named: "followed")
    static let other = relation(2, named: "other")

    private static func relation(_ id: UInt32, named name: String) -> Relation {
        Relation(
            id: RelationID(rawValue: id), schema: "public", name: name, replicaIdentity: .default,
            columns: [RelationColumn(isKey: true, name: "row", typeOID: 25)])
    }
}
