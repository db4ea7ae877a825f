internal import LeatCore
internal import PGWire

/// A relation's plan with the prepared statements made for it on this connection.
///
/// The common shapes are looked up without hashing.
final class RelationStatements {
    struct Prepared {
        var name: String
        var statement: ChangeStatement
    }

    private struct UpdateShape: Hashable {
        var old: Change.OldTuple
        var unchanged: [Int]
    }

    let plan: RelationPlan
    /// Nil if changes are always applied in the source's order.
    let sets: RelationSets?
    private var insert: Prepared?
    private var delete: Prepared?
    private var finds: [Change.OldTuple: Prepared] = [:]
    private var wholeUpdates: [Prepared?] = [nil, nil, nil]
    private var partialUpdates: [UpdateShape: Prepared] = [:]
    /// The last batch that had changes of the relation.
    var lastBatch = 0

    init(_ plan: RelationPlan) {
        self.plan = plan
        sets = RelationSets(plan)
    }

    /// Forgets the prepared statements of single changes.
    ///
    /// - Returns: Their names: they are still to be deallocated.
    func takeStatements() -> [String] {
        let all = [insert, delete] + wholeUpdates + Array(partialUpdates.values)
        (insert, delete) = (nil, nil)
        wholeUpdates = [nil, nil, nil]
        partialUpdates = [:]
        return all.compactMap { $0?.name }
    }

    /// - Parameter prepare: Called once a shape.
    func insert(prepare: (ChangeStatement) throws -> Prepared) rethrows -> Prepared {
        if let insert { return insert }
        let made = try prepare(plan.insert())
        insert = made
        return made
    }

    func delete(prepare: (ChangeStatement) throws -> Prepared) rethrows -> Prepared {
        if let delete { return delete }
        let made = try prepare(plan.delete())
        delete = made
        return made
    }

    /// The row of an update or delete, locked.
    func find(
        old: Change.OldTuple, prepare: (ChangeStatement) throws -> Prepared
    ) rethrows -> Prepared {
        if let find = finds[old] { return find }
        let made = try prepare(plan.find(old: old))
        finds[old] = made
        return made
    }

    /// Nil if there is nothing to set.
    func update(
        old: Change.OldTuple, unchanged: [Int], prepare: (ChangeStatement) throws -> Prepared
    ) rethrows -> Prepared? {
        if unchanged.isEmpty, let made = wholeUpdates[Int(old.rawValue)] { return made }
        let shape = UpdateShape(old: old, unchanged: unchanged)
        if !unchanged.isEmpty, let made = partialUpdates[shape] { return made }
        guard let statement = plan.update(old: old, unchanged: unchanged) else { return nil }
        let made = try prepare(statement)
        if unchanged.isEmpty {
            wholeUpdates[Int(old.rawValue)] = made
        } else {
            partialUpdates[shape] = made
        }
        return made
    }
}
