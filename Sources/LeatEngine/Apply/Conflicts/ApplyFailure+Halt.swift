internal import LeatCore
internal import PGClient
internal import PGWire

extension ApplyFailure {
    /// The sentences for a person: LSN, table, and the way on. No cell value unless asked for: a
    /// server's detail would quote the row.
    func halt(_ batch: Batch, showsValues: Bool = false) -> Halt {
        guard let index = change else {
            return Halt(
                .target,
                "The target refused a transaction: \(what(of: nil, showsValues: showsValues)).")
        }
        let place = ChangePlace(in: batch, at: index)
        let key = place.key(showsValues: showsValues)
        let message = """
            Stopped at \(place.lsn): \(subject(place)) on \(place.tables) cannot be applied: \
            \(what(of: place.kind, showsValues: showsValues)).
            """
        let sentences = [note, wayOn(key), policies(place.kind), copying(place)].compactMap { $0 }
        var halt = Halt(.stoppedOnChange, message, advice: sentences.joined(separator: " "))
        let change = batch.changes[index]
        if conflict(change.kind) != nil || isRowCount {
            halt.missed = batch.relations[Int(change.relation)].id
        }
        halt.broken = serverError?.brokenRule.map { .init(rule: $0, wayOn: ApplyFailure.kept) }
        halt.lacksPartition = serverError?.sqlState == .checkViolation && halt.broken == nil
        return halt
    }

    /// Nothing that is done now reaches what was written without it.
    private func copying(_ place: ChangePlace) -> String? {
        guard case .noIdentity = reason else { return nil }
        return """
            Where partitions have another replica identity than their root: give them the same on \
            the source, and copy the table anew: start once with --exclude \(place.tables), then \
            again with --truncate.
            """
    }

    private var isRowCount: Bool { if case .rowCount = reason { true } else { false } }

    private static let kept = """
        Nothing of this transaction was applied; everything before it was. Start again after that: \
        it resumes at this transaction.
        """

    private func subject(_ place: ChangePlace) -> String {
        let transaction = "transaction \(place.xid)"
        if case .atCommit = reason { return "the end of \(transaction)" }
        return "the \(place.kind) of \(transaction)"
    }

    private func what(of kind: Change.Kind?, showsValues: Bool) -> String {
        let found = kind.flatMap { conflict($0) }
        switch reason {
        case .server(let error), .atCommit(let error):
            let constraint = error.constraint.map { " (constraint \($0))" } ?? ""
            let words = showsValues ? error.whole : error.withoutValues.description
            return "\(found?.rawValue ?? "error"): \(words)\(constraint)"
        case .rowCount(0):
            guard let found else {
                return "it brought no row, and no trigger or rule is known that left it out"
            }
            return "\(found.rawValue): its row is missing on the target"
        case .rowCount(let count): return "it met \(count) rows on the target instead of one"
        case .missingValue(let column): return "the value of column \(column) was not sent"
        case .mixedForms: return "its values came in text and in binary form"
        case .noIdentity: return "the source sent no replica identity of its row"
        }
    }

    private func wayOn(_ key: String?) -> String {
        let row = key.map { " (the row is identified by \($0))" } ?? ""
        return """
            Nothing of this transaction was applied; everything before it was. Mend the data or \
            the table on the target\(row), then start again: it resumes at this transaction.
            """
    }

    /// The policies that could be chosen instead of a stop.
    private func policies(_ kind: Change.Kind) -> String? {
        // At the end of a transaction nobody knows which of its changes is to blame.
        if case .atCommit = reason { return nil }
        guard note == nil, let found = conflict(kind) else { return nil }
        let others = found.policies.filter { $0 != .stop }.map(\.rawValue)
        return """
            To have such changes resolved and recorded in leat.conflicts instead: \
            --on-conflict \(found.rawValue)=\(others.joined(separator: "|")).
            """
    }
}
