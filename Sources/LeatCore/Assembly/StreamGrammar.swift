package import PGWire

/// Which message may come where in the stream of a walsender: one grammar for whoever reads it.
///
///     stream      = { transaction | block | StreamCommit | StreamAbort | message | description }
///     transaction = Begin { Origin | change | message | description } Commit
///     block       = StreamStart { Origin | change | message | description } StreamStop
///     change      = Insert | Update | Delete | Truncate
///     description = Relation | Type
///
/// A logical message stands in a transaction or a block if it is of one, and between them if it is of
/// none. What is streamed begins with a first block, and ends with its Stream Commit or the abort of
/// all of it. Commits keep the order that ``CommitOrder`` says.
///
/// A reader keeps where it is by itself, for it has more to say of that than the grammar: it says so
/// with each message, and what it knows of the transaction that the message names.
package struct StreamGrammar: Sendable {
    /// Where in the stream a reader is.
    package enum Place: CaseIterable, Sendable {
        /// Between transactions.
        case between
        /// Between Begin and Commit.
        case transaction
        /// Between Stream Start and Stream Stop.
        case block
    }

    private var order = CommitOrder()

    package init() {}

    /// - Throws: ``StreamError`` if no message of this kind may come here.
    package func check(
        _ kind: MessageKind, in place: Place, at lsn: LSN
    ) throws(StreamError) {
        switch kind {
        case .relation, .type, .message:
            return
        case .insert, .update, .delete, .truncate, .origin:
            if place != .between { return }
        case .begin, .streamStart, .streamCommit, .streamAbort:
            if place == .between { return }
        case .commit:
            if place == .transaction { return }
        case .streamStop:
            if place == .block { return }
        case .beginPrepare, .prepare, .commitPrepared, .rollbackPrepared, .streamPrepare:
            throw StreamError(.twoPhase(kind), at: lsn)
        }
        throw StreamError(.outOfOrder(kind), at: lsn)
    }

    // MARK: Whole transactions

    /// Begin comes.
    package func check(_ begin: BeginMessage, at lsn: LSN) throws(StreamError) {
        guard begin.xid.rawValue != 0 else { throw StreamError(.noTransactionID(.begin), at: lsn) }
        try order.check(begin.finalLSN, of: .begin, at: lsn)
    }

    /// Commit comes, of what began so.
    package mutating func ended(
        _ commit: CommitMessage, begun: LSN, time: PostgresTimestamp, at lsn: LSN
    ) throws(StreamError) {
        guard commit.commitLSN == begun else {
            throw StreamError(.commitDiffers(begun: begun, ended: commit.commitLSN), at: lsn)
        }
        guard commit.commitTime == time else {
            throw StreamError(.commitTimeDiffers(commit: begun), at: lsn)
        }
        try order.ended(begun, end: commit.endLSN, at: lsn)
    }

    // MARK: Streamed transactions

    /// Stream Start comes.
    ///
    /// - Parameter isKnown: Whether the transaction has had a first block, and not ended since.
    package func check(
        _ start: StreamStartMessage, isKnown: Bool, at lsn: LSN
    ) throws(StreamError) {
        guard start.isFirstSegment else {
            guard isKnown else {
                throw StreamError(.unknownStreamedTransaction(start.xid), at: lsn)
            }
            return
        }
        guard start.xid.rawValue != 0 else {
            throw StreamError(.noTransactionID(.streamStart), at: lsn)
        }
        guard !isKnown else { throw StreamError(.repeatedFirstBlock(start.xid), at: lsn) }
    }

    /// Stream Commit comes.
    ///
    /// - Parameter isKnown: Whether the transaction has had a first block, and not ended since.
    package mutating func ended(
        _ commit: StreamCommitMessage, isKnown: Bool, at lsn: LSN
    ) throws(StreamError) {
        guard isKnown else { throw StreamError(.unknownStreamedTransaction(commit.xid), at: lsn) }
        try order.check(commit.commitLSN, of: .streamCommit, at: lsn)
        try order.ended(commit.commitLSN, end: commit.endLSN, at: lsn)
    }

    // MARK: What is of no transaction

    /// A logical message comes to somebody who asked for them.
    package func checkMessage(
        isTransactional: Bool, in place: Place, at lsn: LSN
    ) throws(StreamError) {
        guard isTransactional == (place != .between) else {
            throw StreamError(.outOfOrder(.message), at: lsn)
        }
    }

    /// A logical message that is of no transaction came. Its record ends at `end`.
    package mutating func messageCame(_ end: LSN, at lsn: LSN) throws(StreamError) {
        try order.messageCame(end, at: lsn)
    }

    /// The server has sent everything that commits before `walEnd`.
    package mutating func keepaliveReceived(walEnd: LSN) {
        order.keepaliveReceived(walEnd: walEnd)
    }
}
