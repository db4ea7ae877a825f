extension MessageDecoder {
    /// Decodes a message that is not a row.
    ///
    /// - Parameters:
    ///   - body: The message, its kind first.
    ///   - streamed: It stands between Stream Start and Stream Stop. For these two themselves: false
    ///     for the first; either for the last.
    /// - Throws: ``DecodeError``; `.unexpectedMessage` for Insert, Update, Delete.
    public func decodeControl(
        _ body: RawSpan, streamed: Bool
    ) throws(DecodeError) -> ControlMessage {
        var cursor = ByteCursor(body)
        let kind = try kind(&cursor, streamed: streamed)
        let message = try control(kind, from: &cursor, streamed: streamed)
        try cursor.finish()
        return message
    }

    private func control(
        _ kind: MessageKind, from cursor: inout ByteCursor, streamed: Bool
    ) throws(DecodeError) -> ControlMessage {
        switch kind {
        case .begin: return .begin(try BeginMessage(&cursor))
        case .commit: return .commit(try CommitMessage(&cursor))
        case .origin: return .origin(try OriginMessage(&cursor))
        case .streamStart: return .streamStart(try StreamStartMessage(&cursor))
        case .streamStop: return .streamStop
        case .streamCommit: return .streamCommit(try StreamCommitMessage(&cursor))
        case .streamAbort:
            let hasPosition = protocolVersion >= 4 && parallelStreaming
            return .streamAbort(try StreamAbortMessage(&cursor, hasPosition: hasPosition))
        case .beginPrepare: return .beginPrepare(try BeginPrepareMessage(&cursor))
        case .prepare: return .prepare(try PrepareMessage(&cursor))
        case .commitPrepared: return .commitPrepared(try CommitPreparedMessage(&cursor))
        case .rollbackPrepared: return .rollbackPrepared(try RollbackPreparedMessage(&cursor))
        case .streamPrepare: return .streamPrepare(try PrepareMessage(&cursor))
        case .relation, .type, .truncate, .message:
            let xid = try streamedXID(&cursor, streamed: streamed)
            return try content(of: kind, from: &cursor, xid: xid)
        case .insert, .update, .delete:
            throw cursor.error(.unexpectedMessage(kind.rawValue), at: 0)
        }
    }

    private func content(
        of kind: MessageKind, from cursor: inout ByteCursor, xid: TransactionID?
    ) throws(DecodeError) -> ControlMessage {
        switch kind {
        case .relation: return .relation(try RelationMessage(&cursor, xid: xid))
        case .type: return .type(try TypeMessage(&cursor, xid: xid))
        case .truncate: return .truncate(try TruncateMessage(&cursor, xid: xid))
        case .message: return .message(try LogicalDecodingMessage(&cursor, xid: xid))
        default: throw cursor.error(.unexpectedMessage(kind.rawValue), at: 0)
        }
    }
}
