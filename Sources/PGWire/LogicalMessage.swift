/// What `pg_logical_emit_message` wrote, with its content in a batch's arena.
///
/// Source: "Replication Management Functions" in the PostgreSQL manual.
public struct LogicalMessage: Sendable, Equatable {
    /// Whether it belongs to the transaction, or was sent at once.
    public var isTransactional: Bool
    /// Where the message stands in the WAL: the end of its record.
    public var lsn: LSN
    /// What its writer named it by.
    public var prefix: String
    /// Where the content begins in ``Batch/bytes``.
    public var contentOffset: UInt32
    /// Bytes of the content.
    public var contentLength: UInt32

    /// One whose content lies in the batch's arena.
    public init(
        isTransactional: Bool, lsn: LSN, prefix: String,
        contentOffset: UInt32, contentLength: UInt32
    ) {
        self.isTransactional = isTransactional
        self.lsn = lsn
        self.prefix = prefix
        self.contentOffset = contentOffset
        self.contentLength = contentLength
    }

    /// The content's place in ``Batch/bytes``.
    public var contentRange: Range<Int> {
        Int(contentOffset)..<Int(contentOffset) + Int(contentLength)
    }
}
