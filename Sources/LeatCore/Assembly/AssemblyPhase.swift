internal import PGWire

/// The transaction that changes belong to which come now. Asked for at each transaction, so there is
/// nothing in it that would have to be counted at a copy.
struct OpenTransaction: Sendable {
    var xid: TransactionID
    /// Where, and when, it commits. Nobody knows yet of one that leaves in pieces.
    var commitLSN: LSN
    var commitTime: PostgresTimestamp
    /// Some of its changes left in an earlier batch.
    var beganEarlier = false
    var indexInBatch: Int?
    /// Relations in the batch when it began.
    var relationsBefore = 0
    var isUnwanted = false
}

/// Where in the stream an assembler is, with what is open there.
///
///     between ── Begin ──► transaction ── Commit ──► between
///     between ── Stream Start ──► piece | kept ── Stream Stop ──► between
///                                 piece ── too many subtransactions ──► kept
///     between ── Stream Commit ──► replay ── the last message that was kept ──► between
///
/// What the server may not send is refused before, by ``StreamGrammar``.
struct AssemblyPhase: Sendable {
    private enum Phase: Sendable {
        case between
        /// Between Begin and Commit.
        case transaction(OpenTransaction)
        /// In a block that leaves in pieces, with the subtransaction of its last change.
        case piece(OpenTransaction, subtransaction: TransactionID?)
        /// In a block, or the rest of one, whose messages are kept until the commit.
        case kept(TransactionID)
        /// After Stream Commit, while what was kept comes back.
        case replay(OpenTransaction, end: LSN)
    }

    private var phase = Phase.between
    /// Of what is open.
    private(set) var origin: String?

    /// Where the next message of the stream comes.
    var place: StreamGrammar.Place {
        switch phase {
        case .between: .between
        case .transaction: .transaction
        case .piece, .kept: .block
        case .replay: preconditionFailure("what was kept comes before the next message")
        }
    }

    // MARK: What is open

    var open: OpenTransaction? {
        switch phase {
        case .transaction(let open), .piece(let open, _), .replay(let open, _): open
        case .between, .kept: nil
        }
    }

    /// Of what is open. Asked at every row.
    var indexInBatch: Int? {
        switch phase {
        case .transaction(let open), .piece(let open, _), .replay(let open, _): open.indexInBatch
        case .between, .kept: nil
        }
    }

    /// Whose block it is.
    var block: TransactionID? {
        switch phase {
        case .piece(let open, _): open.xid
        case .kept(let xid): xid
        case .between, .transaction, .replay: nil
        }
    }

    var isPiece: Bool {
        switch phase {
        case .piece: true
        case .between, .transaction, .kept, .replay: false
        }
    }

    /// The subtransaction of the last change of a piece.
    var subtransaction: TransactionID? {
        switch phase {
        case .piece(_, let subtransaction): subtransaction
        case .between, .transaction, .kept, .replay: nil
        }
    }

    /// Whose kept messages come back.
    var replayed: TransactionID? {
        switch phase {
        case .replay(let open, _): open.xid
        case .between, .transaction, .piece, .kept: nil
        }
    }

    /// The streamed transaction whose own descriptions count now.
    var streamed: TransactionID? { replayed ?? block }

    /// The origin of what is open came.
    mutating func cameFrom(_ origin: String) {
        self.origin = origin
    }

    mutating func changeOpen(_ change: (inout OpenTransaction) -> Void) {
        guard var open else { preconditionFailure("no transaction is open") }
        change(&open)
        switch phase {
        case .transaction: phase = .transaction(open)
        case .piece(_, let subtransaction): phase = .piece(open, subtransaction: subtransaction)
        case .replay(_, let end): phase = .replay(open, end: end)
        case .between, .kept: break
        }
    }

    // MARK: What happened

    mutating func began(_ transaction: OpenTransaction) {
        expectBetween()
        phase = .transaction(transaction)
        origin = nil
    }

    /// - Returns: What was open.
    mutating func committed() -> OpenTransaction {
        guard case .transaction(let open) = phase else {
            preconditionFailure("the grammar has refused a commit of nothing")
        }
        phase = .between
        return open
    }

    /// A block began that leaves in pieces.
    mutating func pieceBegan(_ transaction: OpenTransaction, from origin: String?) {
        expectBetween()
        phase = .piece(transaction, subtransaction: nil)
        self.origin = origin
    }

    mutating func entered(_ subtransaction: TransactionID) {
        guard case .piece(let open, _) = phase else { preconditionFailure("no piece is open") }
        phase = .piece(open, subtransaction: subtransaction)
    }

    /// A block began, or its rest begins, whose messages are kept.
    mutating func keepingBegan(_ xid: TransactionID) {
        phase = .kept(xid)
    }

    mutating func blockEnded() {
        phase = .between
    }

    mutating func replayBegan(_ transaction: OpenTransaction, from origin: String?, end: LSN) {
        expectBetween()
        phase = .replay(transaction, end: end)
        self.origin = origin
    }

    /// - Returns: What was open, and where it ends.
    mutating func replayEnded() -> (transaction: OpenTransaction, end: LSN) {
        guard case .replay(let open, let end) = phase else {
            preconditionFailure("no replay is under way")
        }
        phase = .between
        return (open, end)
    }

    private func expectBetween() {
        guard case .between = phase else {
            preconditionFailure("the grammar has refused a beginning within something")
        }
    }
}
