internal import LeatCore
internal import PGClient
internal import PGWire

/// A batch's change that the target did not take as it should.
struct ApplyFailure: Error {
    enum Reason {
        case server(ServerError)
        /// A change met this many rows instead of one.
        case rowCount(Int)
        /// A value that was not sent is needed to find or write the row.
        case missingValue(column: String)
        /// Values of one table came in text and in binary form, which one COPY cannot take.
        case mixedForms
        /// Less than the whole old row was sent, and the table has no key to find it by.
        case noIdentity
        /// A deferred constraint at the end of the transaction, of which `change` is the last.
        case atCommit(ServerError)
    }

    var reason: Reason
    /// Index in the batch, or nil where no change is to blame.
    var change: Int?
    /// Why a policy other than `stop` could not be followed, as a sentence.
    var note: String?
    /// Of sets: the tables that stay in the source's order for a while.
    var blamed: [TableName] = []
}

extension ApplyFailure {
    var serverError: ServerError? {
        switch reason {
        case .server(let error), .atCommit(let error): error
        case .rowCount, .missingValue, .mixedForms, .noIdentity: nil
        }
    }

    /// The conflict that it is; nil for anything else, which no policy speaks of.
    func conflict(_ kind: Change.Kind) -> ConflictKind? {
        // What a trigger's function does elsewhere, or refuses, is no conflict of this row.
        if serverError?.isFromFunction == true { return nil }
        return switch (reason, kind) {
        case (.rowCount(0), .update): .updateMissing
        case (.rowCount(0), .delete): .deleteMissing
        case (.server(let error), .insert) where error.isUniqueViolation: .insertExists
        case (.server(let error), .update) where error.isUniqueViolation: .updateExists
        case (.server(let error), _), (.atCommit(let error), _):
            error.isConstraintViolation ? .constraintFailed : nil
        case (.rowCount, _), (.missingValue, _), (.mixedForms, _), (.noIdentity, _): nil
        }
    }
}

extension ServerError {
    fileprivate var isUniqueViolation: Bool { sqlState == .uniqueViolation }

    /// Class 23 of "PostgreSQL Error Codes": integrity constraint violations.
    fileprivate var isConstraintViolation: Bool {
        sqlState.conditionClass == .integrityConstraintViolation
    }
}
