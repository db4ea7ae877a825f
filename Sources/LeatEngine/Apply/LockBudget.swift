internal import LeatCore
internal import PGClient
internal import PGWire

/// How much a target transaction may lock: it keeps a lock on each table and index that it writes
/// to until its end, of which a server has room for some thousands, for all its sessions.
struct LockBudget {
    /// By the index of the batch's relations.
    private let locks: [Int]
    private let most: Int
    let coversAll: Bool

    /// Generic plans lock every partition, whichever holds the row. Where that is more than
    /// there is room for, smaller transactions would not help.
    private static let mostOfOneTable = 64

    /// - Parameters:
    ///   - relations: Those of the batch.
    ///   - most: Locks of one transaction.
    init(_ relations: [RelationStatements?], most: Int) {
        locks = relations.map { relation in
            min(relation?.plan.target.locks ?? 0, LockBudget.mostOfOneTable)
        }
        self.most = most
        coversAll = locks.reduce(0, +) <= most
    }

    /// A third of what the server promises each of its sessions, taken together.
    static func most(of session: Session) throws -> Int {
        let room = try session.query(
            """
            select pg_catalog.current_setting('max_locks_per_transaction')::pg_catalog.int8
              * (pg_catalog.current_setting('max_connections')::pg_catalog.int8
                + pg_catalog.current_setting('max_prepared_transactions')::pg_catalog.int8) as room
            """
        ).onlyRecord().int("room")
        return max(1, room / 3)
    }

    /// What transactions lock that are put together.
    struct Held {
        private let budget: LockBudget
        /// By the index of the batch's relations: when its locks were counted last.
        private var counted: [Int]
        private var round = 1
        private var count = 0

        init(_ budget: LockBudget) {
            self.budget = budget
            counted = Array(repeating: 0, count: budget.locks.count)
        }

        mutating func restart() {
            round += 1
            count = 0
        }

        /// - Returns: Whether the locks of these changes are still within the budget. If not,
        ///   ``restart()`` and take them again.
        mutating func take(_ changes: Range<Int>, of batch: Batch) -> Bool {
            for change in batch.changes[changes] {
                switch change.kind {
                case .insert, .update, .delete: take(change.relation)
                case .truncate: batch.truncates[Int(change.relation)].relations.forEach { take($0) }
                case .message: break
                }
            }
            return count <= budget.most
        }

        private mutating func take(_ relation: UInt32) {
            let relation = Int(relation)
            guard counted[relation] != round else { return }
            counted[relation] = round
            count += budget.locks[relation]
        }
    }
}
