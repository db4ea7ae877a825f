public import PGWire

/// The walsender sent something that the protocol does not allow here.
///
/// Nothing was applied of it; the stream is closed, and a later start receives it again.
public struct StreamError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Code: Equatable, Sendable {
        case malformed(DecodeError)
        case outOfOrder(MessageKind)
        case unknownRelation(RelationID)
        case columnCount(expected: Int, got: Int)
        /// The slot decodes at PREPARE, which Leat refuses.
        case twoPhase(MessageKind)
        case unknownStreamedTransaction(TransactionID)
        /// Its first block came before, and it has not ended since.
        case repeatedFirstBlock(TransactionID)
        /// 0 names no transaction.
        case noTransactionID(MessageKind)
        /// A record at 0/0.
        case nowhere(MessageKind)
        /// A commit record that lies before what had come already: see `CommitOrder`.
        case goesBack(commit: LSN, reached: LSN)
        /// A commit record cannot end there.
        case endOfCommit(commit: LSN, end: LSN)
        /// The end of a transaction is not that of the one that began.
        case commitDiffers(begun: LSN, ended: LSN)
        case commitTimeDiffers(commit: LSN)
        /// The source has not written so far: see ``SourceBound``.
        case beyondEnd(LSN, written: LSN)
        /// A part of a streamed transaction was rolled back, and its logical messages do not tell
        /// to which part they belong: servers put the transaction's own ID in all of them. Read
        /// without streaming, the server leaves them out itself.
        case messagesOfUnknownPart(TransactionID)
        /// What comes is not what was stored: see ``KnownHistory``.
        case anotherHistory(Halt)
    }

    public var code: Code
    public var lsn: LSN

    public init(_ code: Code, at lsn: LSN) {
        self.code = code
        self.lsn = lsn
    }

    public var description: String { "Cannot read the stream at \(lsn): \(reason)" }

    private var reason: String {
        switch code {
        case .malformed(let error): "\(error)"
        case .outOfOrder(let kind): "message \(kind) is not allowed here"
        case .unknownRelation(let id): "relation \(id.rawValue) was not described"
        case .columnCount(let expected, let got): "\(got) columns came, \(expected) were described"
        case .twoPhase(let kind): "message \(kind) of a two-phase slot"
        case .unknownStreamedTransaction(let xid): "no part of transaction \(xid.rawValue) came"
        case .repeatedFirstBlock(let xid):
            "the first block of transaction \(xid.rawValue) came twice"
        case .noTransactionID(let kind): "message \(kind) of transaction 0, which is none"
        case .nowhere(let kind): "message \(kind) of a record at 0/0, where none is"
        case .goesBack(let commit, let reached):
            "a record at \(commit), though everything before \(reached) had come"
        case .endOfCommit(let commit, let end): "a commit record at \(commit) that ends at \(end)"
        case .commitDiffers(let begun, let ended):
            "a commit record at \(ended) ends a transaction that was to commit at \(begun)"
        case .commitTimeDiffers(let commit):
            "the transaction that commits at \(commit) ends with another commit time than it began with"
        case .beyondEnd(let place, let written):
            "\(place) is beyond the end of the source's WAL, \(written)"
        case .messagesOfUnknownPart(let xid):
            "a part of transaction \(xid.rawValue) was rolled back, perhaps with logical messages"
        case .anotherHistory(let halt): halt.message
        }
    }
}
