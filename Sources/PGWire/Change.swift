/// One change of a transaction, in the order in which the source made it.
public struct Change: Sendable, Equatable {
    /// What was done.
    public enum Kind: UInt8, Sendable {
        case insert
        case update
        case delete
        /// ``Change/relation`` is then an index in ``Batch/truncates``.
        case truncate
        /// ``Change/relation`` is then an index in ``Batch/messages``.
        case message

        /// Whether it is one of a row.
        @inlinable
        public var isRow: Bool {
            switch self {
            case .insert, .update, .delete: true
            case .truncate, .message: false
            }
        }
    }

    /// What is known of the row before the change.
    public enum OldTuple: UInt8, Sendable {
        /// Nothing was sent: an insert, or an update with the identity unchanged.
        case none
        /// `K`: the columns of the replica identity, all others null.
        case key
        /// `O`: the whole row, sent under replica identity FULL.
        case full
    }

    /// What was done.
    public var kind: Kind
    /// What was sent of the row before.
    public var oldKind: OldTuple
    /// Index in ``Batch/relations``, or in the table that ``kind`` names.
    public var relation: UInt32
    /// The row before, or its identity; empty where nothing was sent of it.
    public var old: Tuple
    /// The row after; empty where there is none.
    public var new: Tuple
    /// Where the change's WAL record begins (`walStart` of its XLogData).
    public var lsn: LSN

    /// A change whose tuples lie in the batch.
    @inlinable
    public init(
        kind: Kind, oldKind: OldTuple = .none, relation: UInt32,
        old: Tuple = .none, new: Tuple = .none, lsn: LSN
    ) {
        self.kind = kind
        self.oldKind = oldKind
        self.relation = relation
        self.old = old
        self.new = new
        self.lsn = lsn
    }
}
