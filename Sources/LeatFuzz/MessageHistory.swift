internal import LeatTestSupport
internal import PGWire

/// A stream that a server might send: transactions, whole and in blocks, between keepalives.
///
/// Now and then a step comes that no server makes.
struct MessageHistory {
    private(set) var payloads: [[UInt8]] = []
    private var random: SeededGenerator
    private var lsn: UInt64 = 0x1000
    private var xid: UInt32 = 700
    private var inProgress: [UInt32] = []
    private var described: [RelationID: Int] = [:]

    init(_ random: inout SeededGenerator) {
        self.random = SeededGenerator(seed: random.next())
    }

    mutating func grow(steps: Int) {
        for _ in 0..<steps {
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<4: plain()
            case 4..<8: block()
            case 8: commitStreamed()
            case 9: abort()
            case 10: keepalive()
            default: message(xid: nil, isTransactional: random.once(in: 4))
            }
            if random.once(in: 30) { nonsense() }
        }
    }

    // MARK: Parts

    private mutating func give(_ message: ControlMessage) {
        give(WireEncoder.encode(message))
    }

    private mutating func give(_ body: [UInt8]) {
        lsn += .random(in: 8...64, using: &random)
        payloads.append(WireEncoder.payload(body, at: LSN(rawValue: lsn)))
    }

    private mutating func keepalive() {
        payloads.append(
            WireEncoder.encode(
                Keepalive(
                    walEnd: LSN(rawValue: lsn), sendTime: time, replyRequested: random.once(in: 3)))
        )
    }

    private let time = PostgresTimestamp(rawValue: 5)

    private mutating func nextXID() -> TransactionID {
        xid += 1
        return TransactionID(rawValue: xid)
    }

    private mutating func plain() {
        let commit = LSN(rawValue: lsn + 4000)
        give(.begin(BeginMessage(finalLSN: commit, commitTime: time, xid: nextXID())))
        if random.once(in: 6) { give(.origin(OriginMessage(lsn: 1, name: "up"))) }
        for _ in 0..<Int.random(in: 0...6, using: &random) { change(xid: nil) }
        lsn = commit.rawValue + 40
        let end = LSN(rawValue: lsn)
        give(.commit(CommitMessage(commitLSN: commit, endLSN: end, commitTime: time)))
    }

    private mutating func block() {
        let isFirst = inProgress.isEmpty || random.once(in: 3)
        if isFirst { inProgress.append(nextXID().rawValue) }
        let top = isFirst ? xid : inProgress.randomElement(using: &random) ?? xid
        give(
            .streamStart(
                StreamStartMessage(xid: TransactionID(rawValue: top), isFirstSegment: isFirst)))
        if random.once(in: 8) { give(.origin(OriginMessage(lsn: 1, name: "up"))) }
        described = [:]
        var sub = top
        for _ in 0..<Int.random(in: 0...7, using: &random) {
            if random.once(in: 4) { sub = random.once(in: 2) ? top : nextXID().rawValue }
            change(xid: TransactionID(rawValue: sub))
        }
        give(.streamStop)
        described = [:]
    }

    private mutating func commitStreamed() {
        guard let index = inProgress.indices.randomElement(using: &random) else { return }
        let top = TransactionID(rawValue: inProgress.remove(at: index))
        let commit = LSN(rawValue: lsn + 100)
        lsn += 140
        give(
            .streamCommit(
                StreamCommitMessage(
                    xid: top, commitLSN: commit, endLSN: LSN(rawValue: lsn), commitTime: time)))
    }

    private mutating func abort() {
        guard let index = inProgress.indices.randomElement(using: &random) else { return }
        let top = TransactionID(rawValue: inProgress[index])
        let isWhole = random.once(in: 2)
        if isWhole { inProgress.remove(at: index) }
        let sub = TransactionID(rawValue: .random(in: 700...xid, using: &random))
        give(.streamAbort(StreamAbortMessage(xid: top, subxid: isWhole ? top : sub)))
    }

    private mutating func nonsense() {
        let any = TransactionID(rawValue: .random(in: 0...xid, using: &random))
        let place = LSN(rawValue: [0, 1, lsn, lsn + 8, .max].randomElement(using: &random) ?? 0)
        let end = LSN(rawValue: [0, lsn, .max].randomElement(using: &random) ?? 0)
        let isFirst = random.once(in: 2)
        let all: [ControlMessage] = [
            .begin(BeginMessage(finalLSN: place, commitTime: time, xid: any)),
            .commit(CommitMessage(commitLSN: place, endLSN: end, commitTime: time)),
            .streamStart(StreamStartMessage(xid: any, isFirstSegment: isFirst)), .streamStop,
            .streamCommit(
                StreamCommitMessage(xid: any, commitLSN: place, endLSN: end, commitTime: time)),
            .streamAbort(StreamAbortMessage(xid: any, subxid: any)),
            .origin(OriginMessage(lsn: place, name: "")),
            .prepare(
                PrepareMessage(
                    prepareLSN: place, endLSN: end, prepareTime: time, xid: any, gid: "g")),
        ]
        if let message = all.randomElement(using: &random) { give(message) }
    }

    // MARK: Changes

    private mutating func change(xid: TransactionID?) {
        let id = RelationID(rawValue: .random(in: 1...4, using: &random))
        if described[id] == nil || random.once(in: 15) { describe(id, in: xid) }
        let row = row(described[id] ?? 1)
        switch Int.random(in: 0..<8, using: &random) {
        case 0..<3: give(WireEncoder.insert(into: id, row, xid: xid))
        case 3, 4:
            let olds: [WireOldTuple] = [.none, .key(row), .full(row)]
            give(
                WireEncoder.update(
                    id, old: olds.randomElement(using: &random) ?? .none, new: row, xid: xid))
        case 5: give(WireEncoder.delete(id, old: .key(row), xid: xid))
        case 6:
            give(
                .truncate(
                    TruncateMessage(
                        xid: xid, relationIDs: [id, id], cascade: random.once(in: 2),
                        restartIdentity: random.once(in: 2))))
        default: message(xid: xid, isTransactional: true)
        }
    }

    private mutating func describe(_ id: RelationID, in xid: TransactionID?) {
        let count = Int.random(in: 0...4, using: &random)
        described[id] = count
        let type = TypeDescription(oid: 16_999, schema: "public", name: "colour")
        if random.once(in: 4) { give(.type(TypeMessage(xid: xid, type: type))) }
        let relation = Relation(
            id: id, schema: "public", name: "t\(id)", replicaIdentity: .default,
            columns: (0..<count).map {
                RelationColumn(isKey: $0 == 0, name: "c\($0)", typeOID: $0 == 1 ? 16_999 : 25)
            })
        give(.relation(RelationMessage(xid: xid, relation: relation)))
    }

    private mutating func row(_ columns: Int) -> [WireValue] {
        (0..<columns).map { _ in
            switch Int.random(in: 0..<6, using: &random) {
            case 0: .null
            case 1: .unchangedTOAST
            case 2: .text("")
            default: .text(String(repeating: "v", count: .random(in: 1...20, using: &random)))
            }
        }
    }

    private mutating func message(xid: TransactionID?, isTransactional: Bool) {
        lsn += 64
        give(
            .message(
                LogicalDecodingMessage(
                    xid: xid, isTransactional: isTransactional, lsn: LSN(rawValue: lsn),
                    prefix: "p", content: [1, 2, 3])))
        lsn += 64
    }
}
