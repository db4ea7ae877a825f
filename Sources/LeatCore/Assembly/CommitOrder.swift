internal import PGWire

/// The order that the commits of a stream keep, whoever reads it.
///
/// A server reads its WAL from front to back and sends a transaction where it meets the commit
/// record. So each of them begins where the last one ended, or behind that; and not before a place
/// up to which everything had come, as a keepalive said. What breaks this was sent twice or has
/// changed places, or is no stream of a server: a position that was stored meanwhile would say of
/// it what is not so.
///
/// Nothing is expected of where a message says that it lies: those of a transaction lie before its
/// commit record, and so behind other commits or before them.
struct CommitOrder: Sendable {
    /// Everything that commits before it has come.
    private var reached = LSN.zero

    /// More than any record takes: its length has 32 bits.
    private static let longestRecord: UInt64 = 1 << 32

    mutating func keepaliveReceived(walEnd: LSN) {
        reached = max(reached, walEnd)
    }

    /// A logical message comes that is of no transaction. Its record ends at `end`.
    mutating func messageCame(_ end: LSN, at lsn: LSN) throws(StreamError) {
        try check(end, of: .message, at: lsn)
        guard end > reached else {
            throw StreamError(.goesBack(commit: end, reached: reached), at: lsn)
        }
        reached = end
    }

    /// Something comes that took effect with the record at `commit`.
    func check(_ commit: LSN, of kind: MessageKind, at lsn: LSN) throws(StreamError) {
        guard !commit.isZero else { throw StreamError(.nowhere(kind), at: lsn) }
        guard commit >= reached else {
            throw StreamError(.goesBack(commit: commit, reached: reached), at: lsn)
        }
    }

    /// It is complete, and its record ends at `end`.
    mutating func ended(_ commit: LSN, end: LSN, at lsn: LSN) throws(StreamError) {
        guard end > commit, end.rawValue - commit.rawValue <= CommitOrder.longestRecord else {
            throw StreamError(.endOfCommit(commit: commit, end: end), at: lsn)
        }
        reached = max(reached, end)
    }
}
