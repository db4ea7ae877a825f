internal import LeatCore
internal import PGWire

/// The net changes of one relation in the batch at hand, and what was made on this connection to
/// apply them as sets.
final class RelationSets {
    /// A staging table with the statements that apply what is in it.
    struct Staging {
        var name: String
        /// By the columns that whole rows are joined by; by a key: none.
        var deletes: [[Int]: String] = [:]
        /// By the columns that the rows do not send; all sent is `update`.
        var updates: [[Int]: Update] = [:]
        var lastBatch = 0
        var lastTransaction = 0
    }

    struct Update {
        var operation: Int
        /// Nil if there is nothing to set.
        var statement: String?
    }

    let plan: RelationPlan
    let key: [Int]
    let all: [Int]
    /// Whether rows are told apart by all of their bytes.
    let isWholeRows: Bool
    var net: NetTable
    var staging: Staging?

    /// - Returns: Nil if changes of the table cannot be folded: what they fire, or that there is
    ///   nothing in a row, or something that goes nowhere, keeps them in the source's order.
    init?(_ plan: RelationPlan) {
        guard !plan.target.fires, !plan.columns.isEmpty, plan.writesAll else { return nil }
        self.plan = plan
        all = Array(plan.columns.indices)
        let form = SetStatements.form(plan)
        isWholeRows = form == .wholeRow
        switch form {
        case .key(let columns): key = columns
        case .wholeRow: key = all
        case nil: key = []
        }
        net = NetTable(
            key: key, columnCount: plan.columns.count, movesKeys: plan.canReinsert,
            isWholeRows: isWholeRows)
    }

    /// Whether there is no index by which a row to delete or update is found.
    var scansForRows: Bool { isWholeRows && plan.scansForRows }
}
