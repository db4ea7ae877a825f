internal import LeatFlow

extension FailPoint {
    static let slotCreated = FailPoint("slot-created")
    static let tableHalfCopied = FailPoint("table-half-copied")
    static let tableCopied = FailPoint("table-copied")
    static let batchSent = FailPoint("batch-sent")
    /// A batch is staged before its turn, the one before it perhaps still being applied.
    static let batchStaged = FailPoint("batch-staged")
    static let commitSent = FailPoint("commit-sent")
    static let conflictRecorded = FailPoint("conflict-recorded")
    /// Within the transaction that disables a table's triggers.
    static let triggerJournalled = FailPoint("trigger-journalled")
    static let triggersDisabled = FailPoint("triggers-disabled")
    static let triggersEnabled = FailPoint("triggers-enabled")
    static let midStream = FailPoint("mid-stream")
    /// The row of a replay is there, nothing of the base yet.
    static let replayBegun = FailPoint("replay-begun")
    /// The position counts for nothing, the rows are still there.
    static let rewindBegun = FailPoint("rewind-begun")
    static let rewindEmptied = FailPoint("rewind-emptied")
    /// The archive's `stream.json` says `creating`.
    static let recordCreating = FailPoint("record-creating")
    /// The archive's first segment and position are there, and `stream.json` still says `creating`.
    static let archiveBegun = FailPoint("archive-begun")
    /// The spool's reader is registered; its target does not know of it yet.
    static let spoolReaderRegistered = FailPoint("spool-reader-registered")
    /// The target names the spool, and `stream.json` still says `creating`.
    static let spoolMarked = FailPoint("spool-marked")
    static let spoolBegun = FailPoint("spool-begun")
    static let archiveAppended = FailPoint("archive-appended")
    static let archiveSynchronised = FailPoint("archive-synchronised")
    static let archiveSegmentMade = FailPoint("archive-segment-made")
    static let archivePositionWritten = FailPoint("archive-position-written")
    static let baseTableCopied = FailPoint("base-table-copied")
    static let baseFinished = FailPoint("base-finished")
    /// A piece of a transaction in progress is applied; of the last one, the commit too.
    static let pieceApplied = FailPoint("piece-applied")
    /// All pieces are applied and the position is moved, in a transaction that is still open.
    static let piecesCommitting = FailPoint("pieces-committing")
    static let piecesCommitSent = FailPoint("pieces-commit-sent")
    /// The stream has come to where other publications are to take over; nothing is changed yet.
    static let publicationsReached = FailPoint("publications-reached")
    /// The target names them, and what they send.
    static let publicationsTaken = FailPoint("publications-taken")
}
