import LeatCore
import LeatTestSupport
import PGWire

/// A stream as a server may send it: transactions of all kinds of changes, in batches that end
/// anywhere.
struct RandomStream {
    private var generator: SeededGenerator
    private var lsn: UInt64
    private var assembler: TransactionAssembler
    private var described: [RelationID: Relation] = [:]

    init(_ generator: SeededGenerator, at start: LSN) {
        self.generator = generator
        lsn = start.rawValue
        assembler = TransactionAssembler(
            decoder: MessageDecoder(protocolVersion: 1), tables: .everything, position: .zero,
            keepsMessages: true)
    }

    /// Some transactions, in one or more batches.
    mutating func batches(_ transactions: Int) throws -> [Batch] {
        var batches: [Batch] = []
        for _ in 0..<transactions {
            try transaction(&batches)
            if once(in: 3) { batches.append(assembler.takeBatch()) }
        }
        batches.append(assembler.takeBatch())
        return batches.filter { !$0.transactions.isEmpty }
    }

    mutating func once(in count: Int) -> Bool { generator.once(in: count) }

    // MARK: Transactions

    private mutating func transaction(_ batches: inout [Batch]) throws {
        if once(in: 8) { return try logicalMessage(isTransactional: false) }
        let commit = LSN(rawValue: lsn + 4000)
        let time = PostgresTimestamp(rawValue: Int64(lsn) * 1000)
        let xid = TransactionID(rawValue: UInt32(truncatingIfNeeded: lsn) | 1)
        try give(.begin(BeginMessage(finalLSN: commit, commitTime: time, xid: xid)))
        if once(in: 5) { try give(.origin(OriginMessage(lsn: .zero, name: "elsewhere"))) }
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            try change()
            if once(in: 10) { batches.append(assembler.takeBatch()) }
        }
        lsn = commit.rawValue
        let end = LSN(rawValue: lsn + 48)
        try give(.commit(CommitMessage(commitLSN: commit, endLSN: end, commitTime: time)))
        lsn = end.rawValue
    }

    private mutating func change() throws {
        lsn += UInt64.random(in: 0...200, using: &generator)
        switch Int.random(in: 0..<10, using: &generator) {
        case 0:
            let relations = [try relation(), try relation()]
            try give(
                .truncate(
                    TruncateMessage(
                        relationIDs: relations.map(\.id), cascade: once(in: 2),
                        restartIdentity: once(in: 2))))
        case 1:
            try logicalMessage(isTransactional: true)
        case 2, 3:
            let relation = try relation()
            let old = once(in: 2) ? WireOldTuple.key(row(relation)) : .full(row(relation))
            try give(WireEncoder.delete(relation.id, old: old))
        case 4, 5, 6:
            let relation = try relation()
            let olds: [WireOldTuple] = [.none, .key(row(relation)), .full(row(relation))]
            let old = olds.randomElement(using: &generator) ?? .none
            try give(WireEncoder.update(relation.id, old: old, new: row(relation)))
        default:
            let relation = try relation()
            try give(WireEncoder.insert(into: relation.id, row(relation)))
        }
    }

    private mutating func logicalMessage(isTransactional: Bool) throws {
        lsn += 64
        let content = (0..<Int.random(in: 0...30, using: &generator)).map { UInt8($0 * 7 & 0xFF) }
        try give(
            .message(
                LogicalDecodingMessage(
                    isTransactional: isTransactional, lsn: LSN(rawValue: lsn), prefix: "note",
                    content: content)))
        lsn += 64
    }

    // MARK: Rows

    /// One of a few, described before its first use, and now and then anew with another column.
    private mutating func relation() throws -> Relation {
        let id = RelationID(rawValue: UInt32.random(in: 16_384...16_388, using: &generator))
        if let known = described[id], !once(in: 12) { return known }
        let count = Int.random(in: 1...5, using: &generator)
        let relation = Relation(
            id: id, schema: "public", name: "t\(id)", replicaIdentity: .default,
            columns: (0..<count).map { index in
                RelationColumn(
                    isKey: index == 0, name: "c\(index)", typeOID: index == 1 ? 16_999 : 25)
            })
        described[id] = relation
        if count > 1 {
            try give(
                .type(
                    TypeMessage(
                        type: TypeDescription(oid: 16_999, schema: "public", name: "colour"))))
        }
        try give(.relation(RelationMessage(relation: relation)))
        return relation
    }

    private mutating func row(_ relation: Relation) -> [WireValue] {
        relation.columns.map { _ in
            switch Int.random(in: 0..<10, using: &generator) {
            case 0: .null
            case 1: .unchangedTOAST
            case 2: .text("")
            default:
                .text(String(repeating: "value ", count: .random(in: 1...9, using: &generator)))
            }
        }
    }

    private mutating func give(_ message: ControlMessage) throws {
        try give(WireEncoder.encode(message))
    }

    private mutating func give(_ message: [UInt8]) throws {
        _ = try assembler.receive(message.span.bytes, at: LSN(rawValue: lsn))
    }
}
