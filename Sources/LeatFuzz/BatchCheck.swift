internal import PGWire

/// Whether everything that a batch points to is there, and the order of its commits.
struct BatchCheck {
    private var end = LSN.zero

    mutating func look(at batch: Batch) throws {
        try checkPlaces(batch)
        try checkTransactions(batch)
    }

    private mutating func checkTransactions(_ batch: Batch) throws {
        var first = 0
        for transaction in batch.transactions {
            guard transaction.firstChange >= first, transaction.firstChange <= batch.changes.count
            else { throw FuzzFinding("changes of transaction \(transaction.xid) are not in order") }
            first = transaction.firstChange
            guard transaction.isComplete else { continue }
            // A message of no transaction has but one LSN.
            let isAlone = transaction.xid.rawValue == 0
            guard transaction.commitLSN >= end,
                transaction.endLSN > transaction.commitLSN || isAlone
            else {
                throw FuzzFinding(
                    "a position goes from \(end) to \(transaction.commitLSN), \(transaction.endLSN)"
                )
            }
            end = transaction.endLSN
        }
        guard batch.changes.isEmpty || batch.transactions.first?.firstChange == 0 else {
            throw FuzzFinding("changes of no transaction")
        }
        if let piece = batch.piece {
            var last = 0
            for sub in piece.subtransactions {
                guard sub.firstChange >= last, sub.firstChange <= batch.changes.count else {
                    throw FuzzFinding("subtransaction \(sub.xid) begins where its piece does not")
                }
                last = sub.firstChange
            }
        }
    }

    private func checkPlaces(_ batch: Batch) throws {
        for change in batch.changes {
            let isKnown =
                switch change.kind {
                case .insert, .update, .delete: Int(change.relation) < batch.relations.count
                case .truncate: Int(change.relation) < batch.truncates.count
                case .message: Int(change.relation) < batch.messages.count
                }
            guard isKnown else { throw FuzzFinding("a change of nothing") }
            for tuple in [change.old, change.new] {
                guard tuple.range.upperBound <= batch.columns.count else {
                    throw FuzzFinding("a tuple without its columns")
                }
            }
        }
        for column in batch.columns where column.hasValue {
            guard column.range.upperBound < batch.bytes.count,
                batch.bytes[column.range.upperBound] == 0
            else { throw FuzzFinding("a value without its end") }
        }
        for truncate in batch.truncates {
            guard truncate.relations.allSatisfy({ Int($0) < batch.relations.count }) else {
                throw FuzzFinding("a truncate of nothing")
            }
        }
    }
}
