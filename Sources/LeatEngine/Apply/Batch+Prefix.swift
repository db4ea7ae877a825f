internal import PGWire

extension Batch {
    /// The first change that concerns a relation of the batch.
    func firstChange(ofRelation index: UInt32) -> Int? {
        changes.firstIndex { change in
            switch change.kind {
            case .insert, .update, .delete: change.relation == index
            case .truncate: truncates[Int(change.relation)].relations.contains(index)
            case .message: false
            }
        }
    }

    /// The transactions that end before this change's own transaction.
    func prefix(beforeChange index: Int) -> Batch {
        prefix(transactions.lastIndex { $0.firstChange <= index } ?? 0)
    }

    /// The first `count` transactions.
    func prefix(_ count: Int) -> Batch {
        guard count < transactions.count else { return self }
        var cut = self
        cut.changes.removeLast(changes.count - transactions[count].firstChange)
        cut.transactions.removeLast(transactions.count - count)
        return cut
    }
}
