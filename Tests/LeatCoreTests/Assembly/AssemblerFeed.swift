import LeatCore
import LeatTestSupport
import PGWire

/// A transaction as it came out of the assembler, its pieces put together.
struct AssembledTransaction: Equatable {
    var xid: UInt32
    var end: LSN
    var origin: String?
    /// One line a change.
    var changes: [String]
}

/// Feeds an assembler as the receiver does, with the spool in memory.
struct AssemblerFeed {
    var assembler: TransactionAssembler
    private var spool: [TransactionID: [(body: [UInt8], lsn: LSN)]] = [:]
    /// Complete transactions of the batches taken so far.
    private(set) var transactions: [AssembledTransaction] = []
    private var open: AssembledTransaction?
    private var target = PieceTarget()
    var mostInProgress: Int { target.mostInProgress }
    var pieces: Int { target.pieces }

    /// - Parameter tables: To follow, all of schema `public`: `a` and `b`, or `t1`, `t2` and so on,
    ///   with their number as OID.
    init(
        _ tables: [String: LSN] = ["a": .zero, "b": .zero], position: LSN = .zero,
        history: KnownHistory? = nil, skipsTransactionsWithOrigin: Bool = false,
        piecesAtOnce: Int = 0,
        mostSubtransactions: Int = 32
    ) {
        let followed = tables.map { name, snapshot in
            (
                name == "a"
                    ? Wire.a
                    : name == "b"
                        ? Wire.b : RelationID(rawValue: UInt32(name.dropFirst()) ?? 0),
                FollowedTables.Table(
                    name: TableName(schema: "public", name: name), snapshot: snapshot)
            )
        }
        assembler = TransactionAssembler(
            decoder: MessageDecoder(protocolVersion: 2),
            tables: FollowedTables(Dictionary(uniqueKeysWithValues: followed)), position: position,
            history: history,
            skipsTransactionsWithOrigin: skipsTransactionsWithOrigin,
            piecesAtOnce: piecesAtOnce, mostSubtransactions: mostSubtransactions)
    }

    /// Gives one message and does what the assembler asks for.
    @discardableResult
    mutating func give(
        _ body: [UInt8], at lsn: LSN = .zero,
        betweenReplayed: (inout AssemblerFeed) -> Void = { _ in }
    ) throws -> TransactionAssembler.Action {
        let action = try assembler.receive(body.span.bytes, at: lsn)
        defer { takeReady() }
        switch action {
        case .none, .began, .committed: break
        case .spool(let xid): spool[xid, default: []].append((body, lsn))
        case .discard(let xid): spool[xid] = nil
        case .replay(let xid):
            for message in spool.removeValue(forKey: xid) ?? [] {
                try assembler.replay(message.body.span.bytes, at: message.lsn)
                betweenReplayed(&self)
            }
            return try assembler.finishReplay()
        }
        return action
    }

    mutating func give(all messages: [[UInt8]]) throws {
        for message in messages { try give(message) }
    }

    mutating func takeUnfollowed() -> [String] {
        assembler.takeUnfollowed().values.map(\.description).sorted()
    }

    /// Takes the batch and puts pieces of transactions together again.
    @discardableResult
    mutating func take() -> Batch {
        takeReady()
        let batch = assembler.takeBatch()
        note(batch)
        return batch
    }

    private mutating func takeReady() {
        while let batch = assembler.takeReady() { note(batch) }
    }

    private mutating func note(_ batch: Batch) {
        if let piece = batch.piece {
            if let whole = target.apply(piece, batch) { transactions.append(whole) }
            return
        }
        for (index, transaction) in batch.transactions.enumerated() {
            let next = index + 1 < batch.transactions.count ? index + 1 : nil
            let end = next.map { batch.transactions[$0].firstChange } ?? batch.changes.count
            var whole = transaction.beganEarlier ? open : nil
            whole =
                whole
                ?? AssembledTransaction(
                    xid: transaction.xid.rawValue, end: .zero, origin: transaction.origin,
                    changes: transaction.beganEarlier ? ["(lost)"] : [])
            whole?.changes += batch.changes[transaction.firstChange..<end].map(batch.line)
            whole?.end = transaction.endLSN
            open = transaction.isComplete ? nil : whole
            if transaction.isComplete, let whole { transactions.append(whole) }
        }
    }

    /// The changes of all transactions, the batch taken first.
    mutating func allChanges() -> [String] {
        take()
        return transactions.flatMap(\.changes)
    }
}

extension Batch {
    /// Such as `update a/2 K(1, null) (1, x)`: kind, table, number of columns, tuples.
    func line(of change: Change) -> String {
        switch change.kind {
        case .truncate:
            let truncate = truncates[Int(change.relation)]
            let names = truncate.relations.map { relations[Int($0)].name }
            return "truncate \(names.joined(separator: " "))"
                + (truncate.cascade ? " cascade" : "")
                + (truncate.restartIdentity ? " restart" : "")
        case .message:
            return "message"
        case .insert, .update, .delete:
            let relation = relations[Int(change.relation)]
            let old =
                switch change.oldKind {
                case .none: ""
                case .key: " K\(text(of: change.old))"
                case .full: " O\(text(of: change.old))"
                }
            let new = change.kind == .delete ? "" : " \(text(of: change.new))"
            return "\(change.kind) \(relation.name)/\(relation.columns.count)\(old)\(new)"
        }
    }

    private func text(of tuple: Tuple) -> String {
        let values = columns(of: tuple).map { column in
            switch column.kind {
            case .null: "null"
            case .unchangedTOAST: "unchanged"
            case .text, .binary: text(of: column) ?? "?"
            }
        }
        return "(\(values.joined(separator: ", ")))"
    }
}
