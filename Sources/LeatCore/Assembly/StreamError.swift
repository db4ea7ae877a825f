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
        case .messagesOfUnknownPart(let xid):
            "a part of transaction \(xid.rawValue) was rolled back, perhaps with logical messages"
        case .anotherHistory(let halt): halt.message
        }
    }
}
