internal import LeatCore
internal import PGClient
internal import PGWire

/// What is prepared on one session, each under a name of its own, by the relation that it is for.
///
/// A name is never used twice. What was prepared in a transaction that was undone may or may not be
/// there: ``deallocateAll(on:)`` forgets all of it, and whoever has found relations before finds them
/// again (``generation``).
final class StatementCache {
    private var relations: [Relation: RelationStatements] = [:]
    /// The newest of them by the relation's OID: most are found here, without hashing all columns.
    private var newest: [RelationID: RelationStatements] = [:]
    /// The statements that move the position: counted, and guarded.
    private var positions: (counted: String?, guarded: String?)
    /// Statements named so far, and how many of them are thrown away.
    private var named = 0
    private var forgotten = 0
    /// Counts how often everything was forgotten.
    private(set) var generation = 0

    /// Of more than this those unused longest are thrown away: plans take the server's memory, about
    /// 10 KiB each.
    private static let most = 4000

    // MARK: Preparing

    /// Within the session's pipeline: its answer comes in its turn.
    ///
    /// - Returns: The statement's name.
    func prepare(_ sql: String, types: [UInt32] = [], on session: Session) throws -> String {
        named += 1
        let name = "leat\(named)"
        try session.sendPrepare(name, sql: sql, types: types)
        return name
    }

    /// The statement that moves the position.
    ///
    /// - Parameter isGuarded: Whether the server is to fail by itself if the position is not where we
    ///   left it.
    func position(isGuarded: Bool, prepare: () throws -> String) rethrows -> String {
        if let name = isGuarded ? positions.guarded : positions.counted { return name }
        let name = try prepare()
        if isGuarded { positions.guarded = name } else { positions.counted = name }
        return name
    }

    // MARK: Relations

    func find(_ relation: Relation) -> RelationStatements? {
        if let known = newest[relation.id], known.plan.relation == relation { return known }
        guard let known = relations[relation] else { return nil }
        newest[relation.id] = known
        return known
    }

    func keep(_ made: RelationStatements) {
        relations[made.plan.relation] = made
        newest[made.plan.relation.id] = made
    }

    /// The source has described the relation again, in the same words.
    func takeOver(_ relation: Relation) {
        guard let known = newest[relation.id], known.plan.relation.isDescribed(as: relation) else {
            return
        }
        known.takeOver(relation)
        relations[relation] = known
    }

    // MARK: Forgetting

    var isFull: Bool { named - forgotten > StatementCache.most }

    func deallocateAll(on session: Session) throws {
        try session.execute("deallocate all; discard temporary")
        relations.removeAll()
        newest.removeAll()
        positions = (nil, nil)
        forgotten = named
        generation += 1
    }

    /// Throws away the statements of the relations that changed least lately, a quarter of all.
    ///
    /// - Returns: False if there were none: those of sets are few, and go with their tables.
    func deallocateResting(on session: Session) throws -> Bool {
        var names: [String] = []
        for relation in relations.values.sorted(by: { $0.lastBatch < $1.lastBatch }) {
            names += relation.takeStatements()
            if names.count >= StatementCache.most / 4 { break }
        }
        guard !names.isEmpty else { return false }
        try session.execute(names.map { "deallocate \($0)" }.joined(separator: ";"))
        forgotten += names.count
        return true
    }
}
