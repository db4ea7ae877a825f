package import PGWire

extension Batch {
    /// The first change that concerns a relation of the batch.
    package func firstChange(ofRelation index: UInt32, from start: Int = 0) -> Int? {
        changes[start...].firstIndex { change in
            switch change.kind {
            case .insert, .update, .delete: change.relation == index
            case .truncate: truncates[Int(change.relation)].relations.contains(index)
            case .message: false
            }
        }
    }

    /// The transaction with the first change that concerns a relation of the batch.
    package func redescriber(of relation: Int) -> TransactionID? {
        if let piece { return piece.xid }
        guard let change = firstChange(ofRelation: UInt32(relation)) else { return nil }
        return transactions.last { $0.firstChange <= change }?.xid
    }

    /// Whether the transaction of a change has no earlier one of the same table, under another
    /// description.
    package func redescriberBegins(with change: Int, ofRelation index: Int) -> Bool {
        let start = transactions.last { $0.firstChange <= change }?.firstChange ?? 0
        let table = relations[index].id
        return !relations.indices.contains { other in
            guard other != index, relations[other].id == table,
                let first = firstChange(ofRelation: UInt32(other), from: start)
            else { return false }
            return first < change
        }
    }

    /// The transactions that end before this change's own transaction.
    package func prefix(beforeChange index: Int) -> Batch {
        prefix(transactions.lastIndex { $0.firstChange <= index } ?? 0)
    }

    /// The first `count` transactions.
    package func prefix(_ count: Int) -> Batch {
        guard count < transactions.count else { return self }
        var cut = self
        cut.changes.removeLast(changes.count - transactions[count].firstChange)
        cut.transactions.removeLast(transactions.count - count)
        return cut
    }

    /// The transactions from the one of this index on.
    package func suffix(from first: Int) -> Batch {
        guard first > 0 else { return self }
        var rest = Batch()
        rest.append(self, from: first)
        return rest
    }

    /// How many transactions end at or before a place. The end of one that is not whole yet is beyond
    /// its commit record's start.
    package func countEnding(upTo place: LSN) -> Int {
        transactions.prefix { transaction in
            transaction.isComplete
                ? transaction.endLSN <= place : transaction.commitLSN < place
        }.count
    }

    /// Its first transaction has begun in the batch before, and the sink is within it.
    package var goesOnWithin: Bool {
        piece == nil && transactions.first?.beganEarlier == true
    }
}
