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

    /// Whether this is why a table or partition has another file.
    enum Explanation: Int, Comparable {
        case no
        /// Unless something that was not sent came behind it.
        case maybe
        /// Unless it was a later truncate, which is still to come.
        case unlessLater
        case yes

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// Whether no other transaction can have written the rows that are there, nor taken any away
    /// since: it may have been unlogged for a while behind it, or a partition truncated by itself.
    ///
    /// - Parameter all: Of the table, this one among them.
    func explanation(
        of doubt: DefinitionChange.Doubt, among all: [DefinitionChange.Doubt]
    ) -> Explanation {
        guard case .unlogged(let oid, let changer, let hasRows, let alteration) = doubt else {
            return .yes
        }
        guard alteration != .last else { return .no }
        guard let changer else { return .maybe }
        // Whoever changed it last has written rows: unlogged, or in another transaction.
        guard !hasRows || isRefilled else { return .no }
        guard changer != xid.rawValue else { return .yes }
        // A savepoint of it has a later number, as has whatever came behind it.
        guard alteration != .earlier, Int32(bitPattern: changer &- xid.rawValue) > 0,
            oid == table.rawValue || AppliedTruncate.areOne(all)
        else { return .no }
        return alteration == .none ? .unlessLater : .maybe
    }

    /// Whether all partitions were changed last by one and the same number, as a savepoint of the
    /// transaction has it. Whoever truncates each of them by itself in one transaction leaves the same.
    private static func areOne(_ doubts: [DefinitionChange.Doubt]) -> Bool {
        var changers: [UInt32] = []
        for case .unlogged(_, let changer, _, _) in doubts {
            guard let changer else { return false }
            changers.append(changer)
        }
        return changers.count > 1 && changers.allSatisfy { $0 == changers[0] }
    }
}

extension [AppliedTruncate] {
    /// Whether it does not show any more that nothing else took rows away behind the truncates that
    /// explain the doubts.
    public func hide(_ doubts: [DefinitionChange.Doubt]) -> Bool {
        doubts.contains { explanation(of: $0, among: doubts) == .maybe }
    }

    /// Whether each of the doubts has a truncate that explains it, whatever truncates are still to
    /// come.
    public func explainAtOnce(_ doubts: [DefinitionChange.Doubt]) -> Bool {
        doubts.allSatisfy { explanation(of: $0, among: doubts) == .yes }
    }

    /// Whether each of the doubts has a truncate that explains it, where none is still to come.
    public func explain(_ doubts: [DefinitionChange.Doubt]) -> Bool {
        doubts.allSatisfy { explain($0, among: doubts) }
    }

    /// Whether this one of them has.
    public func explain(
        _ doubt: DefinitionChange.Doubt, among all: [DefinitionChange.Doubt]
    ) -> Bool {
        explanation(of: doubt, among: all) != .no
    }

    private func explanation(
        of doubt: DefinitionChange.Doubt, among all: [DefinitionChange.Doubt]
    ) -> AppliedTruncate.Explanation {
        map { $0.explanation(of: doubt, among: all) }.max() ?? .no
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
