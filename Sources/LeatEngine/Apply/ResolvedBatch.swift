internal import PGWire

/// A batch with the ways of its relations to the target: found once, and handed down to whatever
/// applies it.
struct ResolvedBatch {
    var batch: Batch
    /// By the index of the batch's relations; nil where a table does not fit: none of the changes
    /// that are applied is of it.
    let relations: [RelationStatements?]
    /// Of the statements: see ``StatementCache/generation``.
    let generation: Int
}
