internal import LeatCore
internal import PGClient

/// The staging tables of one session: temporary tables that are emptied at every commit.
///
/// Each commit that used one empties all of them, so there are few. A temporary table keeps the
/// database's oldest transaction id where it was when the table was made, and no vacuum can move
/// it: so none grows old.
struct StagingTables {
    /// Beyond this many the one unused longest makes room, if it has rested for a while.
    private static let most = 32
    private static let rest = 50
    private static let longestLife: Duration = .seconds(15 * 60)

    /// Whether the role may make any.
    private(set) var areAllowed: Bool
    private var users: [RelationSets] = []
    private var made = 0
    private var oldest: ContinuousClock.Instant?
    var misjudged = MisjudgedTables()
    /// Counts batches, as a measure of age.
    var batch = 0
    /// Counts target transactions: what one has staged stays until its commit.
    var transaction = 0

    init(areAllowed: Bool) {
        self.areAllowed = areAllowed
    }

    var count: Int { users.count }

    var areOld: Bool {
        guard let oldest else { return false }
        return .now - oldest > StagingTables.longestLife
    }

    /// The tables are gone, and with them what was prepared.
    mutating func removeAll() {
        users = []
        misjudged = MisjudgedTables()
        oldest = nil
    }

    /// Whether `sets` has a staging table or may get one.
    func hasRoom(for sets: RelationSets) -> Bool {
        guard areAllowed else { return false }
        return sets.staging != nil || users.count < StagingTables.most || resting != nil
    }

    private var resting: Int? {
        let index = users.indices.min { lastBatch($0) < lastBatch($1) }
        return index.flatMap { batch - lastBatch($0) > StagingTables.rest ? $0 : nil }
    }

    private func lastBatch(_ index: Int) -> Int { users[index].staging?.lastBatch ?? 0 }

    /// Makes the staging table of `sets`, unless it is there, and sees to it that it is empty: a
    /// barrier, or another piece of a large transaction, may have staged rows in the same
    /// transaction. The session is within one and not in pipeline mode.
    mutating func prepare(for sets: RelationSets, on session: Session) throws {
        if sets.staging == nil {
            if users.count >= StagingTables.most, let index = resting {
                try drop(of: users.remove(at: index), on: session)
            }
            made += 1
            let name = "leat_staging_\(made)"
            try session.execute(SetStatements(sets.plan, staging: name).createStaging)
            sets.staging = RelationSets.Staging(name: name)
            users.append(sets)
            oldest = oldest ?? .now
        } else if let staging = sets.staging, staging.lastTransaction == transaction {
            try session.execute("truncate pg_temp.\(SQLText.identifier(staging.name))")
        }
        sets.staging?.lastBatch = batch
        sets.staging?.lastTransaction = transaction
    }

    private func drop(of sets: RelationSets, on session: Session) throws {
        guard let staging = sets.staging else { return }
        sets.staging = nil
        let statements = staging.deletes.values + staging.updates.values.compactMap(\.statement)
        for statement in statements { try session.execute("deallocate \(statement)") }
        try session.execute("drop table pg_temp.\(SQLText.identifier(staging.name))")
    }
}
