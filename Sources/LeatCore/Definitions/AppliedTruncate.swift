public import PGWire

/// A truncate of a table that was applied: it has given the source's table another file.
public struct AppliedTruncate: Sendable, Equatable {
    public var table: RelationID
    /// The transaction that truncated.
    public var xid: TransactionID
    /// Whether rows came behind it in the same transaction, or may have.
    public var isRefilled: Bool

    public init(table: RelationID, xid: TransactionID, isRefilled: Bool) {
        self.table = table
        self.xid = xid
        self.isRefilled = isRefilled
    }

    /// Whether no other transaction can have written the rows that are there, nor taken any away
    /// since: one of its partitions may have been truncated by itself behind it.
    ///
    /// - Parameter all: Of the table, this one among them.
    func explains(_ doubt: DefinitionChange.Doubt, among all: [DefinitionChange.Doubt]) -> Bool {
        guard case .unlogged(let oid, let changer?, let hasRows) = doubt else { return true }
        // Every truncate of what is published itself is sent, and no row is of anybody else.
        if oid == table.rawValue, !hasRows { return true }
        return xid.rawValue == changer || (hasRows && isRefilled) || mayBeSavepoint(in: all)
    }

    /// Whether all partitions were changed last by one and the same later number, as a savepoint of the
    /// transaction has it. Whoever truncates each of them by itself in one transaction leaves the same.
    private func mayBeSavepoint(in doubts: [DefinitionChange.Doubt]) -> Bool {
        var changers: [UInt32] = []
        for case .unlogged(_, let changer, _) in doubts {
            guard let changer else { return false }
            changers.append(changer)
        }
        guard changers.count > 1, let first = changers.first else { return false }
        return changers.allSatisfy { $0 == first } && Int32(bitPattern: first &- xid.rawValue) > 0
    }
}

extension [AppliedTruncate] {
    /// Whether it does not show any more that nothing else took rows away behind the truncates that
    /// explain the doubts.
    public func hide(_ doubts: [DefinitionChange.Doubt]) -> Bool {
        doubts.contains { doubt in
            guard case .unlogged(_, nil, _) = doubt else { return false }
            return true
        }
    }

    /// Whether each of the doubts has a truncate that explains it.
    public func explain(_ doubts: [DefinitionChange.Doubt]) -> Bool {
        doubts.allSatisfy { explain($0, among: doubts) }
    }

    /// Whether this one of them has.
    public func explain(
        _ doubt: DefinitionChange.Doubt, among all: [DefinitionChange.Doubt]
    ) -> Bool {
        contains { $0.explains(doubt, among: all) }
    }
}

extension Batch {
    /// What a truncate does to the source's tables.
    ///
    /// - Parameter index: Of the change.
    public func truncates(at index: Int) -> [AppliedTruncate] {
        guard let transaction = transactions.lastIndex(where: { $0.firstChange <= index }) else {
            return []
        }
        let rest = changes[index..<changes(ofTransactions: transaction...transaction).upperBound]
        return truncates[Int(changes[index].relation)].relations.map { relation in
            let table = relations[Int(relation)].id
            return AppliedTruncate(
                table: table, xid: piece?.xid ?? transactions[transaction].xid,
                isRefilled: piece != nil || !transactions[transaction].isComplete
                    // It is described again behind a truncate.
                    || rest.contains {
                        $0.kind == .insert && relations[Int($0.relation)].id == table
                    })
        }
    }
}
