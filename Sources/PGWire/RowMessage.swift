/// A decoded Insert, Update or Delete whose columns went into a batch.
///
/// The assembler makes a ``Change`` of it, once it knows the relation.
public struct RowMessage: Sendable, Equatable {
    /// `.insert`, `.update` or `.delete`.
    public var kind: Change.Kind
    /// The subtransaction that made the change; streamed messages only.
    public var xid: TransactionID?
    /// The table, as its Relation message names it.
    public var relationID: RelationID
    /// What was sent of the row before.
    public var oldKind: Change.OldTuple
    /// ``Tuple/none`` if ``oldKind`` is `.none`.
    public var old: Tuple
    /// ``Tuple/none`` for a delete.
    public var new: Tuple

    /// As it was sent.
    public init(
        kind: Change.Kind, xid: TransactionID? = nil, relationID: RelationID,
        oldKind: Change.OldTuple = .none, old: Tuple = .none, new: Tuple = .none
    ) {
        self.kind = kind
        self.xid = xid
        self.relationID = relationID
        self.oldKind = oldKind
        self.old = old
        self.new = new
    }
}
