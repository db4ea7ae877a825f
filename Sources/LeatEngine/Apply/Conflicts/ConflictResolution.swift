internal import LeatCore
internal import PGWire

/// Chooses the statement that makes the target's row what the source's is.
struct ConflictResolution {
    struct Refusal: Error {
        var sentence: String
    }

    private let batch: Batch
    private let change: Change
    private let plan: RelationPlan

    init(in batch: Batch, of change: Change, by plan: RelationPlan) {
        self.batch = batch
        self.change = change
        self.plan = plan
    }

    func statement() throws -> ChangeStatement {
        switch change.kind {
        case .insert:
            guard let statement = plan.insertOrReplace() else {
                throw Refusal(
                    sentence: """
                        It cannot be applied: the target has no unique index on the row's key, \
                        so nobody knows which row to make equal.
                        """)
            }
            return statement
        case .update:
            return try insertUpdated()
        case .delete, .truncate, .message:
            preconditionFailure("only a row that is to be there can be written")
        }
    }

    /// Under FULL the old tuple has what the new one leaves out.
    private func insertUpdated() throws -> ChangeStatement {
        let unchanged = BatchWriter.unchanged(of: change.new, in: batch)
        guard unchanged.isEmpty || change.oldKind == .full else {
            let names = unchanged.map { plan.columns[$0].name }.joined(separator: ", ")
            throw Refusal(
                sentence: """
                    It cannot be applied: the row would have to be inserted, and the value of \
                    \(names) was not sent, for it did not change (TOAST).
                    """)
        }
        // A session of the target may have brought the row meanwhile: then it is updated. A row
        // that has the key which this one moves to is another one.
        guard change.oldKind == .none, let statement = plan.insertOrReplace(fromOld: unchanged)
        else { return plan.insertUpdated(fromOld: unchanged) }
        return statement
    }
}
