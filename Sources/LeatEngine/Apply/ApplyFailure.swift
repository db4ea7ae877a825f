internal import LeatCore
internal import PGClient
internal import PGWire

/// A batch's change that the target did not take as it should.
struct ApplyFailure: Error {
    enum Reason {
        case server(ServerError)
        /// An update or delete met this many rows instead of one.
        case rowCount(Int)
        /// A value that was not sent is needed to find or write the row.
        case missingValue(column: String)
        /// Values of one table came in text and in binary form, which one COPY cannot take.
        case mixedForms
        /// Less than the whole old row was sent, and the table has no key to find it by.
        case noIdentity
    }

    var reason: Reason
    /// Index in the batch, or nil where no change is to blame.
    var change: Int?
}

extension ApplyFailure {
    /// The sentences for a person: LSN, table, and the way on. No cell value: a server's detail
    /// would quote the row.
    func halt(_ batch: Batch) -> Halt {
        guard let index = change else {
            return Halt(.target, "The target refused a transaction: \(what(nil)).")
        }
        let change = batch.changes[index]
        let transaction = batch.transactions.last { $0.firstChange <= index }
        let place = transaction.map { " of transaction \($0.xid.rawValue)" } ?? ""
        return Halt(
            .stoppedOnChange,
            """
            Stopped at \(change.lsn): the \(change.kind)\(place) on \(tables(change, batch)) \
            cannot be applied: \(what(change.kind)).
            """,
            advice: advice(change, batch))
    }

    private func tables(_ change: Change, _ batch: Batch) -> String {
        let relations =
            change.kind == .truncate
            ? batch.truncates[Int(change.relation)].relations : [change.relation]
        return relations.map { "\(TableName(batch.relations[Int($0)]))" }.joined(separator: ", ")
    }

    private func what(_ kind: Change.Kind?) -> String {
        switch reason {
        case .server(let error):
            let constraint = error.constraint.map { " (constraint \($0))" } ?? ""
            return "\(conflictName(error, kind)): \(error.withoutValues)\(constraint)"
        case .rowCount(0):
            let name = kind == .delete ? "delete_missing" : "update_missing"
            return "\(name): its row is missing on the target"
        case .rowCount(let count): return "it met \(count) rows on the target instead of one"
        case .missingValue(let column): return "the value of column \(column) was not sent"
        case .mixedForms: return "its values came in text and in binary form"
        case .noIdentity: return "the source sent no replica identity of its row"
        }
    }

    /// PostgreSQL 18's name, where there is one.
    private func conflictName(_ error: ServerError, _ kind: Change.Kind?) -> String {
        guard error.sqlState == "23505" else { return "error" }
        return kind == .update ? "update_exists" : "insert_exists"
    }

    private func advice(_ change: Change, _ batch: Batch) -> String {
        let relation =
            change.kind == .truncate ? nil : batch.relations[Int(change.relation)]
        let key = relation?.columns.filter(\.isKey).map(\.name).joined(separator: ", ") ?? ""
        let row = key.isEmpty ? "" : " (the row is identified by \(key))"
        return """
            Nothing of this transaction was applied; everything before it was. Mend the data or \
            the table on the target\(row), then start again: it resumes at this transaction.
            """
    }
}

extension ServerError {
    /// Data exceptions (class 22) quote the value that they refuse.
    fileprivate var withoutValues: ServerError {
        guard sqlState.hasPrefix("22") else { return self }
        var error = self
        let parts = message.split(separator: "\"", omittingEmptySubsequences: false)
        error.message = parts.enumerated()
            .map { $0.offset.isMultiple(of: 2) ? String($0.element) : "..." }
            .joined(separator: "\"")
        return error
    }
}
