/// What makes a batch a piece of a transaction that is still in progress on the source.
///
/// Such a batch holds one ``Transaction``, which is complete in the last piece alone. The pieces
/// come in the order of the source's WAL, between batches of whole transactions: what a piece
/// changes was committed before it by all others.
public struct StreamedPiece: Sendable, Equatable {
    /// A subtransaction and where in the batch it begins.
    public struct Subtransaction: Sendable, Equatable {
        /// The subtransaction.
        public var xid: TransactionID
        /// The number of changes before it.
        public var firstChange: Int

        /// One that begins with this change of the batch.
        public init(xid: TransactionID, firstChange: Int) {
            self.xid = xid
            self.firstChange = firstChange
        }
    }

    /// The transaction that the piece belongs to.
    public var xid: TransactionID
    /// Whether no piece came before it.
    public var isFirst: Bool
    /// A subtransaction of an earlier piece that was rolled back since: all that the transaction
    /// has done from its beginning on is undone, before anything in this piece.
    public var rollsBackTo: TransactionID?
    /// Those that begin in this piece and may still be rolled back, in their order.
    public var subtransactions: [Subtransaction] = []
    /// The whole transaction was rolled back: there is nothing in this piece, and none follows.
    public var isAborted = false

    /// One without subtransactions so far.
    public init(xid: TransactionID, isFirst: Bool) {
        self.xid = xid
        self.isFirst = isFirst
    }
}
