/// How a change and the target disagree, under the names that PostgreSQL 18 gives the conflicts
/// of its own subscriptions, and one for the constraints that it has no name for.
///
/// PostgreSQL's `update_origin_differs` and `delete_origin_differs` compare who wrote a row last
/// (`track_commit_timestamp`); they are not looked for. A row that clashes on several unique
/// indexes is reported by the first one.
public enum ConflictKind: String, Sendable, CaseIterable {
    /// The inserted row violates a unique index of the target.
    case insertExists = "insert_exists"
    /// The updated row violates a unique index of the target.
    case updateExists = "update_exists"
    /// The row to update is not on the target.
    case updateMissing = "update_missing"
    /// The row to delete is not on the target.
    case deleteMissing = "delete_missing"
    /// The row violates another constraint of the target: NOT NULL, CHECK, FOREIGN KEY, EXCLUDE,
    /// or there is no partition for it.
    case constraintFailed = "constraint_failed"

    /// What can be asked for besides a stop.
    public var policies: [ConflictPolicy] {
        switch self {
        case .insertExists, .updateMissing, .deleteMissing: [.stop, .apply, .skip]
        // The row in the way is another one: it cannot be made room for without deleting it.
        case .updateExists: [.stop, .skip]
        case .constraintFailed: [.stop, .skip]
        }
    }
}

/// What is done about a conflict.
public enum ConflictPolicy: String, Sendable, CaseIterable {
    /// The stream stops before the transaction. The default.
    case stop
    /// The target's row is made what the source's is.
    case apply
    /// The change is left out.
    case skip
}
