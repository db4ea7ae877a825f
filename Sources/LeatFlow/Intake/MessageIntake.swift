public import LeatCore
public import PGWire

/// What each payload of a slot's stream does: changes of batches, and notes in the positions of the
/// flow.
///
/// It reads nothing and keeps no file: who receives the stream gives it every payload, and does what
/// it is told with those of transactions that are kept until their commit.
public struct MessageIntake {
    /// What is left to do with the payload.
    public enum Action: Equatable, Sendable {
        case none
        /// Append the message, which lies there, to what is kept of this transaction.
        case keep(TransactionID, at: LSN)
        /// Drop what is kept of it.
        case discard(TransactionID)
        /// Give everything that is kept of it to ``replay(_:at:)`` before the next payload, then call
        /// ``finishReplay()``, then drop it.
        case replay(TransactionID)
    }

    /// Puts the changes of the payloads together.
    public var assembler: TransactionAssembler
    private let positions: SharedPosition
    private var keepalives = KeepalivePolicy()
    /// Nothing that is named lies behind it.
    private var furthest = LSN.zero
    /// Transactions with changes that have ended since this was last set to 0.
    public var commits = 0
    /// When the server sent the newest message, by its clock.
    public var newest: PostgresTimestamp?

    /// Before the first payload.
    public init(_ assembler: TransactionAssembler, positions: SharedPosition) {
        self.assembler = assembler
        self.positions = positions
    }

    /// The slot is taken, and nobody else moves it any more.
    ///
    /// A predecessor's last word may have reached the server after the slot was looked at. Where the
    /// target has gone back meanwhile, it says of more that it is stored than there is, and the
    /// server would leave that out without a word.
    ///
    /// - Throws: ``Restart``, so that the start is decided anew with what is so now.
    public mutating func slotTaken(confirmed: LSN) throws {
        let position = positions.with { $0.position }
        guard confirmed <= position else {
            throw Restart(
                reason:
                    "the slot was moved to \(confirmed), beyond the stored position \(position)")
        }
        assembler.slotTaken(confirmed: confirmed)
    }

    /// - Throws: `StreamError`; ``Restart`` where the server waits to stop for what is not stored.
    public mutating func take(_ payload: RawSpan) throws -> Action {
        let decoded: ReplicationPayload
        do { decoded = try ReplicationPayload(decoding: payload) } catch {
            throw StreamError(.malformed(error), at: .zero)
        }
        switch decoded {
        case .keepalive(let keepalive):
            try take(keepalive)
            return .none
        case .xLogData(let data):
            newest = data.sendTime
            try check(data.walStart)
            return try take(XLogData.body(of: payload), at: data.walStart)
        }
    }

    /// Refuses a place where no source can be by now.
    private mutating func check(_ place: LSN) throws {
        guard place > furthest else { return }
        let known = positions.sourceEnd
        furthest = SourceBound.furthest(known: known)
        guard place <= furthest else {
            throw StreamError(.beyondEnd(place, written: known), at: place)
        }
    }

    private mutating func take(_ keepalive: Keepalive) throws {
        try check(keepalive.walEnd)
        try assembler.keepaliveReceived(walEnd: keepalive.walEnd)
        positions.hear { $0.keepaliveReceived(walEnd: keepalive.walEnd) }
        guard keepalive.replyRequested else { return }
        positions.wantReply()
        let hasUnconfirmed = positions.with { $0.hasUnconfirmed }
        let isUrgent = keepalives.replyRequested(
            walEnd: keepalive.walEnd, hasUnconfirmed: hasUnconfirmed, at: positions.clock.now)
        if isUrgent {
            throw Restart(
                reason:
                    "the source asks again and again for what is not stored yet, as in a shutdown")
        }
    }

    private mutating func take(_ body: RawSpan, at lsn: LSN) throws -> Action {
        switch try assembler.receive(body, at: lsn) {
        case .none:
            return .none
        case .began:
            positions.with { $0.transactionBegan() }
            return .none
        case .committed(let end, let isEmpty):
            try committed(end: end, isEmpty: isEmpty)
            return .none
        case .spool(let transaction):
            return .keep(transaction, at: lsn)
        case .discard(let transaction):
            return .discard(transaction)
        case .replay(let transaction):
            positions.with { $0.transactionBegan() }
            return .replay(transaction)
        }
    }

    /// Takes one kept message of the transaction that ``Action/replay(_:)`` named.
    public mutating func replay(_ body: RawSpan, at lsn: LSN) throws {
        try assembler.replay(body, at: lsn)
    }

    /// The last kept message was given.
    public mutating func finishReplay() throws {
        if case .committed(let end, let isEmpty) = try assembler.finishReplay() {
            try committed(end: end, isEmpty: isEmpty)
        }
    }

    private mutating func committed(end: LSN, isEmpty: Bool) throws {
        try check(end)
        guard !isEmpty else { return positions.hear { $0.emptyCommitReceived(end: end) } }
        commits += 1
        positions.with { $0.commitReceived(end: end) }
    }
}
