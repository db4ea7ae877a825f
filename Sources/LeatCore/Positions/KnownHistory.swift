public import PGWire

/// Whether the source's history is still the one in which the stream's position was stored.
///
/// A source that was brought back from a copy of its disk goes on with other transactions at the
/// same LSNs and on the same timeline. Once its WAL is past the stored position, LSNs alone look
/// right, and what it has committed in between would be skipped as stored.
///
/// So the stream begins before the position, as far back as the slot reaches, and two things must
/// be so, or it stops before anything is applied:
///
/// 1. The last transaction stored comes by: at its place, with its ID and commit time. Whoever has
///    it has all before it.
/// 2. Between it and the position nothing comes that the stream would have stored: the position
///    may be far behind it, where the source was busy with what is none of the stream's.
///
/// What the slot is past already need not come: it was confirmed, and so stored, in the history
/// that the slot is of; a slot in a copy of the disk was confirmed before the copy was made.
///
/// A worked example, position 0/280, last transaction at 0/1C0, slot confirmed up to 0/100. The
/// server is asked to begin at 0/1C0. Transaction 742 comes, at 0/1C0: it is the one. A keepalive
/// says 0/300: nothing else came, the position is the source's own.
///
/// After a crash of the source the slot may be confirmed up to an older place than before, for
/// that is written at checkpoints only; all that was sent was on its disk, and comes again.
public struct KnownHistory: Sendable {
    private let last: LastTransaction
    private let position: LSN
    private let quietSince: LSN
    private let wayBack: String
    private let leavesOutOrigins: Bool
    private var confirmed: LSN

    /// Nil where there is nothing to compare: nothing lies between slot and position, or what was
    /// stored last is not known.
    ///
    /// - Parameters:
    ///   - quietSince: From where to the position nothing was stored; nil: from the last transaction.
    ///   - leavesOutOrigins: What came to the source from elsewhere is not sent.
    ///   - wayBack: What to do if it is another history.
    public init?(
        _ last: LastTransaction?, position: LSN, confirmed: LSN, quietSince: LSN? = nil,
        leavesOutOrigins: Bool, wayBack: String
    ) {
        guard let last, last.commitLSN < position, confirmed < position else { return nil }
        self.last = last
        self.position = position
        self.quietSince = quietSince ?? last.commitLSN
        self.confirmed = confirmed
        self.leavesOutOrigins = leavesOutOrigins
        self.wayBack = wayBack
    }

    /// Where the server is asked to begin.
    public var start: LSN { max(last.commitLSN, confirmed) }

    /// What the slot was confirmed up to when nobody else could move it any more: a predecessor's
    /// last word may have reached the server after the slot was looked at.
    public mutating func slotTaken(confirmed: LSN) {
        self.confirmed = max(self.confirmed, confirmed)
    }

    /// The last transaction stored is still to come.
    private var isMissing: Bool {
        guard let identity = last.identity, confirmed <= last.commitLSN else { return false }
        return !(identity.hasOrigin && leavesOutOrigins)
    }

    // MARK: What comes

    /// - Returns: False once there is nothing more to compare.
    mutating func began(
        _ identity: LastTransaction.Identity, commitLSN: LSN
    ) throws(StreamError) -> Bool {
        if commitLSN == last.commitLSN, let known = last.identity {
            guard identity.isSame(as: known) else { throw missing(known) }
            // It has come.
            confirmed = max(confirmed, LSN(rawValue: commitLSN.rawValue + 1))
        } else if commitLSN > last.commitLSN {
            try passed(commitLSN)
        }
        return commitLSN < position
    }

    /// The server has sent everything before `walEnd`.
    func heard(walEnd: LSN) throws(StreamError) {
        if walEnd > last.commitLSN { try passed(walEnd) }
    }

    private func passed(_ place: LSN) throws(StreamError) {
        if isMissing, let known = last.identity { throw missing(known) }
    }

    /// A change that the stream wants comes before the position, in a transaction that must have
    /// been stored then.
    func changeCame(
        in xid: TransactionID, commitLSN: LSN, origin: String?
    ) throws(StreamError) {
        // With another --origin it may have been left out when it came first.
        guard commitLSN > quietSince, commitLSN < position, origin == nil else { return }
        throw mismatch(
            """
            transaction \(xid.rawValue), committed at \(commitLSN), lies before the stored \
            position \(position) and was never stored
            """, at: commitLSN)
    }

    // MARK: What is told

    private func missing(_ known: LastTransaction.Identity) -> StreamError {
        mismatch(
            """
            transaction \(known.xid.rawValue), stored as committed at \(last.commitLSN), is not \
            there
            """, at: last.commitLSN)
    }

    private func mismatch(_ what: String, at lsn: LSN) -> StreamError {
        StreamError(
            .anotherHistory(
                Halt(
                    .positionMismatch,
                    """
                    The source's history is not the one that this stream has followed: \(what). \
                    Was the source restored from a copy of its disk? Nothing was applied.
                    """, advice: wayBack)), at: lsn)
    }
}

extension LastTransaction.Identity {
    /// Some servers do not tell the origin of a streamed transaction.
    fileprivate func isSame(as other: LastTransaction.Identity) -> Bool {
        xid == other.xid && commitTime == other.commitTime
    }
}
