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

    /// Statements whose rows are counted in the same way.
    private struct Shapes {
        var delete: Prepared?
        var wholeUpdates: [Prepared?] = [nil, nil, nil]
        var partialUpdates: [UpdateShape: Prepared] = [:]

        var all: [Prepared] { ([delete] + wholeUpdates).compactMap { $0 } + partialUpdates.values }
    }

    private(set) var plan: RelationPlan
    /// Nil if changes are always applied in the source's order.
    let sets: RelationSets?
    private var insert: Prepared?
    private var finds: [Change.OldTuple: Prepared] = [:]
    private var counted = Shapes()
    private var guarded = Shapes()
    /// The last batch that had changes of the relation.
    var lastBatch = 0

    init(_ plan: RelationPlan) {
        self.plan = plan
        sets = RelationSets(plan)
    }

    /// The source has described the relation again.
    func takeOver(_ relation: Relation) {
        plan.takeOver(relation)
    }

    /// Forgets the prepared statements of single changes.
    ///
    /// - Returns: Their names: they are still to be deallocated.
    func takeStatements() -> [String] {
        let all = [insert].compactMap { $0 } + counted.all + guarded.all + finds.values
        insert = nil
        (counted, guarded) = (Shapes(), Shapes())
        finds = [:]
        return all.map(\.name)
    }

    /// - Parameter prepare: Called once a shape.
    func insert(prepare: (ChangeStatement) throws -> Prepared) rethrows -> Prepared {
        if let insert { return insert }
        let made = try prepare(plan.insert())
        insert = made
        return made
    }

    /// - Parameter isGuarded: Whether it is to fail by itself unless it meets one row.
    func delete(
        isGuarded: Bool = false, prepare: (ChangeStatement) throws -> Prepared
    ) rethrows -> Prepared {
        if let delete = isGuarded ? guarded.delete : counted.delete { return delete }
        let statement = plan.delete()
        let made = try prepare(isGuarded ? statement.guarded : statement)
        if isGuarded { guarded.delete = made } else { counted.delete = made }
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
    ///
    /// - Parameter isGuarded: Whether it is to fail by itself unless it meets one row.
    func update(
        old: Change.OldTuple, unchanged: [Int], isGuarded: Bool = false,
        prepare: (ChangeStatement) throws -> Prepared
    ) rethrows -> Prepared? {
        try isGuarded
            ? update(old, unchanged: unchanged, shapes: &guarded) { try prepare($0.guarded) }
            : update(old, unchanged: unchanged, shapes: &counted, prepare: prepare)
    }

    private func update(
        _ old: Change.OldTuple, unchanged: [Int], shapes: inout Shapes,
        prepare: (ChangeStatement) throws -> Prepared
    ) rethrows -> Prepared? {
        if unchanged.isEmpty, let made = shapes.wholeUpdates[Int(old.rawValue)] { return made }
        let shape = UpdateShape(old: old, unchanged: unchanged)
        if !unchanged.isEmpty, let made = shapes.partialUpdates[shape] { return made }
        guard let statement = plan.update(old: old, unchanged: unchanged) else { return nil }
        let made = try prepare(statement)
        if unchanged.isEmpty {
            shapes.wholeUpdates[Int(old.rawValue)] = made
        } else {
            shapes.partialUpdates[shape] = made
        }
        return made
    }
}
