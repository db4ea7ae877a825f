public import PGWire

/// Finds out which commits have reached the target's disk by themselves.
///
/// The server's WAL writer flushes asynchronous commits within three times `wal_writer_delay`. A
/// commit's record lies before the place at which the next one is inserted, so a look at that
/// place after the commit, and later looks at how far the WAL is flushed, say when it is safe.
public struct FlushWatch: Sendable {
    /// The stream's position, and a place in the target's WAL behind the commit that brought it.
    private var awaited: (position: LSN, place: LSN)?
    /// The end of what a crash of the target cannot lose; nil: nothing is known yet.
    public private(set) var durable: LSN?

    public init() {}

    /// One look at the target.
    ///
    /// - Parameters:
    ///   - position: Of the stream, committed before the look.
    ///   - inserted: `pg_current_wal_insert_lsn()`.
    ///   - flushed: `pg_current_wal_flush_lsn()`.
    public mutating func look(position: LSN, inserted: LSN, flushed: LSN) {
        if awaited == nil, position > durable ?? .zero { awaited = (position, inserted) }
        guard let reached = awaited, flushed >= reached.place else { return }
        durable = reached.position
        awaited = position > reached.position ? (position, inserted) : nil
    }
}
