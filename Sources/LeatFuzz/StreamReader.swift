internal import LeatCore
internal import PGWire

/// Reads payloads as the receiver does, with the spool in memory.
struct StreamReader {
    private var assembler: TransactionAssembler
    private var spool: [TransactionID: [(body: [UInt8], lsn: LSN)]] = [:]
    private var check = BatchCheck()
    private let takesEvery: UInt64
    private var count: UInt64 = 0
    private var isEnded = false
    /// A line for each transaction that was found to commit with a change: where, and how many.
    private(set) var committed: [String] = []
    private var pieces: [TransactionID: Int] = [:]
    private var open = 0

    init(
        position: LSN, takesEvery: UInt64, piecesAtOnce: Int = 0, mostSubtransactions: Int = 32,
        keepsMessages: Bool = false
    ) {
        self.takesEvery = takesEvery
        assembler = TransactionAssembler(
            decoder: MessageDecoder(protocolVersion: 2),
            tables: keepsMessages
                ? .everything
                : FollowedTables(
                    Dictionary(
                        uniqueKeysWithValues: (1...3).map { id in
                            (
                                RelationID(rawValue: id),
                                FollowedTables.Table(
                                    name: TableName(schema: "public", name: "t\(id)"),
                                    snapshot: .zero)
                            )
                        })),
            position: position, keepsMessages: keepsMessages, piecesAtOnce: piecesAtOnce,
            mostSubtransactions: mostSubtransactions, tellsRepetitions: !keepsMessages)
    }

    static func isSubAbort(_ payload: [UInt8]) -> Bool {
        payload.count == XLogData.headerSize + 9
            && payload[XLogData.headerSize] == MessageKind.streamAbort.rawValue
    }

    /// - Throws: ``FuzzFinding``; what the reader refuses ends it.
    mutating func take(_ payload: [UInt8]) throws {
        guard !isEnded else { return }
        do {
            try give(payload)
            while let batch = assembler.takeReady() { try note(batch) }
            count += 1
            if count.isMultiple(of: takesEvery) { try note(assembler.takeBatch()) }
        } catch is StreamError {
            isEnded = true
        } catch is DecodeError {
            isEnded = true
        }
    }

    mutating func finish() throws {
        guard !isEnded else { return }
        while let batch = assembler.takeReady() { try note(batch) }
        if assembler.completeTransactions > 0 { try note(assembler.takeBatch()) }
    }

    private mutating func give(_ payload: [UInt8]) throws {
        switch try ReplicationPayload(decoding: payload.span.bytes) {
        case .keepalive(let keepalive):
            try assembler.keepaliveReceived(walEnd: keepalive.walEnd)
        case .xLogData(let data):
            let body = XLogData.body(of: payload.span.bytes)
            switch try assembler.receive(body, at: data.walStart) {
            case .none, .began, .committed: break
            case .spool(let xid):
                spool[xid, default: []].append(
                    (body.withUnsafeBytes { Array($0) }, data.walStart))
            case .discard(let xid): spool[xid] = nil
            case .replay(let xid):
                for message in spool.removeValue(forKey: xid) ?? [] {
                    try assembler.replay(message.body.span.bytes, at: message.lsn)
                }
                _ = try assembler.finishReplay()
            }
        }
    }

    private mutating func note(_ batch: Batch) throws {
        try check.look(at: batch)
        for (index, transaction) in batch.transactions.enumerated() {
            var changes = batch.changes(ofTransactions: index...index).count
            if let piece = batch.piece {
                changes += pieces[piece.xid] ?? 0
                pieces[piece.xid] = transaction.isComplete || piece.isAborted ? nil : changes
            } else {
                changes += transaction.beganEarlier ? open : 0
                open = transaction.isComplete ? 0 : changes
            }
            guard transaction.isComplete, changes > 0 else { continue }
            committed.append("\(transaction.xid.rawValue) \(transaction.endLSN) \(changes)")
        }
    }
}
