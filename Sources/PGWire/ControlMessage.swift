/// A decoded message that is not a row: rare, so it may own strings and arrays.
///
/// Source: "Logical Replication Message Formats" in the PostgreSQL manual, whose
/// order of fields the payloads keep.
public enum ControlMessage: Sendable, Equatable {
    case begin(BeginMessage)
    case commit(CommitMessage)
    case origin(OriginMessage)
    case relation(RelationMessage)
    case type(TypeMessage)
    case truncate(TruncateMessage)
    case message(LogicalDecodingMessage)
    case streamStart(StreamStartMessage)
    case streamStop
    case streamCommit(StreamCommitMessage)
    case streamAbort(StreamAbortMessage)
    case beginPrepare(BeginPrepareMessage)
    case prepare(PrepareMessage)
    case commitPrepared(CommitPreparedMessage)
    case rollbackPrepared(RollbackPreparedMessage)
    case streamPrepare(PrepareMessage)

    /// By which byte it begins.
    public var kind: MessageKind {
        switch self {
        case .begin: .begin
        case .commit: .commit
        case .origin: .origin
        case .relation: .relation
        case .type: .type
        case .truncate: .truncate
        case .message: .message
        case .streamStart: .streamStart
        case .streamStop: .streamStop
        case .streamCommit: .streamCommit
        case .streamAbort: .streamAbort
        case .beginPrepare: .beginPrepare
        case .prepare: .prepare
        case .commitPrepared: .commitPrepared
        case .rollbackPrepared: .rollbackPrepared
        case .streamPrepare: .streamPrepare
        }
    }
}
