public import LeatCore
public import PGWire

/// What a running job shows of itself: one snapshot, copied out whole, so that a reader never
/// mixes two moments.
public struct JobSnapshot: Sendable {
    /// What the job is at.
    public enum Phase: String, Sendable {
        case starting, copying, streaming, waiting, stopping
    }

    /// The copy of one table.
    public struct TableCopy: Sendable {
        /// As the source's catalog spells it.
        public var table: TableName
        /// Rows that were copied so far.
        public var rows = 0
        /// Bytes of COPY's form that were copied so far.
        public var bytes = 0
        /// The planner's estimate, which may be off or absent (0).
        public var estimatedRows: Int
        /// Whether all of its rows are there.
        public var isDone = false

        /// A copy that has not begun.
        public init(table: TableName, estimatedRows: Int) {
            self.table = table
            self.estimatedRows = estimatedRows
        }
    }

    /// What lies between the source and the target.
    public struct Spool: Sendable {
        /// Everything up to here is in it, or on the target.
        public var end: LSN
        /// What it takes on the disk.
        public var bytes: Int

        /// A spool as it was just measured.
        public init(end: LSN, bytes: Int) {
            self.end = end
            self.bytes = bytes
        }
    }

    /// How far a stream is, by stage: each at or before the one above it.
    public struct Positions: Sendable, Equatable {
        /// The furthest end that the source has named.
        public var heard: LSN
        /// Committed by the sink, durably or not.
        public var applied: LSN
        /// What a crash of the sink cannot lose.
        public var stored: LSN
        /// What the source need not keep.
        public var confirmed: LSN
    }

    /// What the job is at.
    public var phase = Phase.starting
    /// Of a stream that flows.
    public var positions: Positions?
    /// Applied up to here; zero before a stream is known.
    public var position: LSN = .zero
    /// Until the stream passes it, the target equals no state of the source: some tables are of
    /// a later moment than others.
    public var consistentFrom: LSN?
    /// The end of the source's WAL, as last read; of a replay, of the archive.
    public var sourceWALEnd: LSN?
    /// WAL that the slot keeps on the source.
    public var slotRetainedBytes: UInt64?
    /// When the last applied transaction was committed on the source.
    public var lastCommitTime: PostgresTimestamp?
    /// The source's clock, as last read.
    public var sourceTime: PostgresTimestamp?
    /// Partitions that were attached with rows, detached or dropped on the source.
    public var partitionChanges = 0
    /// Where there is one.
    public var spool: Spool?
    /// Changes that were applied since the process began.
    public var rowsApplied = 0
    /// Changes that a sink has taken, since the process began. Those of a transaction that is rolled
    /// back, and comes again, count twice.
    public var operations = ChangeCounts()
    /// The same by table, of those for which anything came.
    public var tables: [TableName: ChangeCounts] = [:]
    /// How long a batch took, from its turn until its commit.
    public var applyTimes = DurationHistogram()
    /// Resolved by policy, since the process began.
    public var conflicts: [ConflictKind: Int] = [:]
    /// Transactions that were applied since the process began.
    public var transactionsApplied = 0
    /// Of the tables that this run copies, in the order of their beginning.
    public var copies: [TableCopy] = []

    /// Age of the last applied transaction by the source's own clock; 0 when nothing is missing.
    public var lagSeconds: Double? {
        guard let lagBytes, let sourceTime, let lastCommitTime else { return nil }
        guard lagBytes > 0 else { return 0 }
        // A server may send any number.
        let (age, overflow) = sourceTime.rawValue
            .subtractingReportingOverflow(lastCommitTime.rawValue)
        return overflow ? nil : Double(max(0, age)) / 1_000_000
    }

    /// How far the position is behind the end of the source's WAL.
    public var lagBytes: UInt64? {
        sourceWALEnd.map { $0 > position ? $0.rawValue - position.rawValue : 0 }
    }
}
