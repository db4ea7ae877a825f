#if DEBUG
internal import Glibc
#endif

/// A place where a test may end the process as a power cut would: with SIGKILL.
///
/// Named in the environment variable `LEAT_FAILPOINT`, as `name` or `name:N` for the Nth
/// passage. Release builds have none of it.
public enum FailPoint: String, Sendable {
    case slotCreated = "slot-created"
    case tableHalfCopied = "table-half-copied"
    case tableCopied = "table-copied"
    case batchSent = "batch-sent"
    /// A batch is staged before its turn, the one before it perhaps still being applied.
    case batchStaged = "batch-staged"
    case commitSent = "commit-sent"
    case storedNotConfirmed = "stored-not-confirmed"
    case conflictRecorded = "conflict-recorded"
    /// Within the transaction that disables a table's triggers.
    case triggerJournalled = "trigger-journalled"
    case triggersDisabled = "triggers-disabled"
    case triggersEnabled = "triggers-enabled"
    case midStream = "mid-stream"
    /// The row of a replay is there, nothing of the base yet.
    case replayBegun = "replay-begun"
    /// The position counts for nothing, the rows are still there.
    case rewindBegun = "rewind-begun"
    case rewindEmptied = "rewind-emptied"
    /// The archive's `stream.json` says `creating`.
    case recordCreating = "record-creating"
    /// The archive's first segment and position are there, and `stream.json` still says `creating`.
    case archiveBegun = "archive-begun"
    /// The spool's reader is registered; its target does not know of it yet.
    case spoolReaderRegistered = "spool-reader-registered"
    /// The target names the spool, and `stream.json` still says `creating`.
    case spoolMarked = "spool-marked"
    case spoolBegun = "spool-begun"
    case archiveAppended = "archive-appended"
    case archiveSynchronised = "archive-synchronised"
    case archiveSegmentMade = "archive-segment-made"
    case archivePositionWritten = "archive-position-written"
    case baseTableCopied = "base-table-copied"
    case baseFinished = "base-finished"
    /// A piece of a transaction in progress is applied; of the last one, the commit too.
    case pieceApplied = "piece-applied"
    /// All pieces are applied and the position is moved, in a transaction that is still open.
    case piecesCommitting = "pieces-committing"
    case piecesCommitSent = "pieces-commit-sent"
    /// The stream has come to where other publications are to take over; nothing is changed yet.
    case publicationsReached = "publications-reached"
    /// The target names them, and what they send.
    case publicationsTaken = "publications-taken"

    public func reached() {
        #if DEBUG
        FailPoints.shared.reached(self)
        #endif
    }
}

#if DEBUG
internal import Synchronization

private final class FailPoints: Sendable {
    static let shared = FailPoints()

    private let name: String?
    private let passages: Atomic<Int>

    private init() {
        let parts = getenv("LEAT_FAILPOINT").map {
            String(cString: $0).split(separator: ":").map(String.init)
        }
        name = parts?.first
        passages = Atomic(parts?.dropFirst().first.flatMap(Int.init) ?? 1)
    }

    func reached(_ point: FailPoint) {
        guard name == point.rawValue else { return }
        if passages.subtract(1, ordering: .relaxed).newValue == 0 { kill(getpid(), SIGKILL) }
    }
}
#endif
