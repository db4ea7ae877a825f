// Batches cut between transactions, and put together.

extension Batch {
    /// Without its first `count` transactions. The arena is shared, not copied.
    public func dropFirst(_ count: Int) -> Batch {
        guard count > 0 else { return self }
        var rest = self
        let firstChange =
            count < transactions.count ? transactions[count].firstChange : changes.count
        rest.changes.removeFirst(firstChange)
        rest.transactions.removeFirst(min(count, transactions.count))
        for index in rest.transactions.indices {
            rest.transactions[index].firstChange -= firstChange
        }
        return rest
    }

    /// Appends the transactions of a batch that follows this one.
    ///
    /// - Precondition: This one's last transaction is whole, and both arenas together have less
    ///   than 4 GiB.
    public mutating func append(_ next: Batch) {
        precondition(transactions.last?.isComplete ?? true, "a piece is followed by its next one")
        precondition(bytes.count + next.bytes.count <= Int(UInt32.max), "more than offsets reach")
        let places = next.relations.map { place(of: $0) }
        let (byte, column) = (UInt32(bytes.count), UInt32(columns.count))
        let (truncate, message) = (UInt32(truncates.count), UInt32(messages.count))
        let firstChange = changes.count
        for type in next.types where !types.contains(type) { types.append(type) }
        bytes += next.bytes
        for value in next.columns {
            var value = value
            if value.hasValue { value.offset += byte }
            columns.append(value)
        }
        for value in next.truncates {
            truncates.append(
                Truncate(
                    relations: value.relations.map { places[Int($0)] }, cascade: value.cascade,
                    restartIdentity: value.restartIdentity))
        }
        for value in next.messages {
            var value = value
            value.contentOffset += byte
            messages.append(value)
        }
        for value in next.changes {
            var value = value
            switch value.kind {
            case .insert, .update, .delete: value.relation = places[Int(value.relation)]
            case .truncate: value.relation += truncate
            case .message: value.relation += message
            }
            if value.old.count > 0 { value.old.first += column }
            if value.new.count > 0 { value.new.first += column }
            changes.append(value)
        }
        for value in next.transactions {
            var value = value
            value.firstChange += firstChange
            transactions.append(value)
        }
    }

    /// Where a relation stands, appended if it is new.
    private mutating func place(of relation: Relation) -> UInt32 {
        if let index = relations.firstIndex(of: relation) { return UInt32(index) }
        relations.append(relation)
        return UInt32(relations.count - 1)
    }
}
