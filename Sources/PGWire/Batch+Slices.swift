// Batches cut between transactions, and put together.

extension Batch {
    /// The indexes of the changes of the transactions at these indexes, and what lies between them.
    public func changes(ofTransactions range: ClosedRange<Int>) -> Range<Int> {
        transactions[range.lowerBound]
            .firstChange..<firstChange(ofTransaction: range.upperBound + 1)
    }

    /// - Parameter index: Of a transaction, or behind the last.
    private func firstChange(ofTransaction index: Int) -> Int {
        index < transactions.count ? transactions[index].firstChange : changes.count
    }

    /// Without its first `count` transactions. The arena is shared, not copied.
    public func dropFirst(_ count: Int) -> Batch {
        guard count > 0 else { return self }
        var rest = self
        let firstChange = firstChange(ofTransaction: count)
        rest.changes.removeFirst(firstChange)
        rest.transactions.removeFirst(min(count, transactions.count))
        for index in rest.transactions.indices {
            rest.transactions[index].firstChange -= firstChange
        }
        return rest
    }

    /// Appends the transactions of a batch that follows this one.
    ///
    /// - Parameters:
    ///   - next: The batch that follows.
    ///   - first: Index of the first one to append.
    /// - Precondition: This one's last transaction is whole, and both arenas together have less
    ///   than 4 GiB.
    public mutating func append(_ next: Batch, from first: Int = 0) {
        precondition(transactions.last?.isComplete ?? true, "a piece is followed by its next one")
        let start = next.start(of: first)
        precondition(
            bytes.count + next.bytes.count - start.byte <= Int(UInt32.max),
            "more than offsets reach")
        let move = Move(from: start, to: end)
        for type in next.types where !types.contains(type) { types.append(type) }
        bytes += next.bytes[start.byte...]
        for column in next.columns[start.column...] { columns.append(move(column)) }
        for var message in next.messages[start.message...] {
            message.contentOffset = move(offset: message.contentOffset)
            messages.append(message)
        }
        var places = Places(repeating: nil, count: next.relations.count)
        for var truncate in next.truncates[start.truncate...] {
            truncate.relations = truncate.relations.map { place(of: $0, in: next, &places) }
            truncates.append(truncate)
        }
        for change in next.changes[start.change...] {
            var moved = move(change)
            if change.kind.isRow { moved.relation = place(of: change.relation, in: next, &places) }
            changes.append(moved)
        }
        for var transaction in next.transactions[first...] {
            transaction.firstChange += move.changes
            transactions.append(transaction)
        }
    }

    /// Removes the last transaction, with all that only it has in the arena and the tables.
    ///
    /// - Parameter relations: So many relations stay: those that were there before it.
    public mutating func removeLast(keepingRelations relations: Int) {
        let start = start(of: transactions.count - 1)
        transactions.removeLast()
        bytes.removeLast(bytes.count - start.byte)
        columns.removeLast(columns.count - start.column)
        changes.removeLast(changes.count - start.change)
        truncates.removeLast(truncates.count - start.truncate)
        messages.removeLast(messages.count - start.message)
        self.relations.removeLast(max(0, self.relations.count - relations))
    }

    // MARK: Places

    /// A place in the arena and in each table.
    private struct Place {
        var byte: Int
        var column: Int
        var change: Int
        var truncate: Int
        var message: Int
    }

    private var end: Place {
        Place(
            byte: bytes.count, column: columns.count, change: changes.count,
            truncate: truncates.count, message: messages.count)
    }

    /// Where what belongs to a transaction and those behind it begins: all tables grow in the
    /// order of the changes.
    private func start(of transaction: Int) -> Place {
        guard transaction > 0 else {
            return Place(byte: 0, column: 0, change: 0, truncate: 0, message: 0)
        }
        var start = end
        guard transaction < transactions.count else { return start }
        start.change = transactions[transaction].firstChange
        var (needsRow, needsTruncate, needsMessage) = (true, true, true)
        for change in changes[start.change...] {
            let index = Int(change.relation)
            switch change.kind {
            case .truncate:
                if needsTruncate { start.truncate = index }
                needsTruncate = false
            case .message:
                if needsMessage {
                    start.message = index
                    start.byte = min(start.byte, Int(messages[index].contentOffset))
                }
                needsMessage = false
            case .insert, .update, .delete:
                let tuple = change.old.count > 0 ? change.old : change.new
                if needsRow, tuple.count > 0 {
                    start.column = Int(tuple.first)
                    needsRow = false
                }
            }
        }
        if let value = columns[start.column...].first(where: \.hasValue) {
            start.byte = min(start.byte, Int(value.offset))
        }
        return start
    }

    /// From one batch's places to another's.
    private struct Move {
        private let bytes: Int
        private let columns: Int
        private let truncates: Int
        private let messages: Int
        let changes: Int

        init(from start: Place, to end: Place) {
            bytes = end.byte - start.byte
            columns = end.column - start.column
            truncates = end.truncate - start.truncate
            messages = end.message - start.message
            changes = end.change - start.change
        }

        func callAsFunction(_ column: Column) -> Column {
            var column = column
            if column.hasValue { column.offset = offset(column.offset, by: bytes) }
            return column
        }

        /// Its relation stays as it is.
        func callAsFunction(_ change: Change) -> Change {
            var change = change
            switch change.kind {
            case .insert, .update, .delete: break
            case .truncate: change.relation = offset(change.relation, by: truncates)
            case .message: change.relation = offset(change.relation, by: messages)
            }
            change.old = moved(change.old)
            change.new = moved(change.new)
            return change
        }

        /// One without columns begins somewhere too, and what reads it looks there.
        private func moved(_ tuple: Tuple) -> Tuple {
            guard tuple.count > 0 else { return .none }
            return Tuple(first: offset(tuple.first, by: columns), count: tuple.count)
        }

        func callAsFunction(offset value: UInt32) -> UInt32 { offset(value, by: bytes) }

        private func offset(_ value: UInt32, by: Int) -> UInt32 { UInt32(Int(value) + by) }
    }

    /// By the index of another batch's relations; nil until one is met.
    private typealias Places = [UInt32?]

    private mutating func place(
        of relation: UInt32, in next: Batch, _ places: inout Places
    ) -> UInt32 {
        let index = Int(relation)
        if let known = places[index] { return known }
        let found = place(of: next.relations[index])
        places[index] = found
        return found
    }

    /// Where a relation stands, appended if it is new.
    private mutating func place(of relation: Relation) -> UInt32 {
        if let index = relations.firstIndex(of: relation) { return UInt32(index) }
        relations.append(relation)
        return UInt32(relations.count - 1)
    }
}
