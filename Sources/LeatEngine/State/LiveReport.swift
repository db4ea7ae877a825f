internal import Glibc
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// What a running process shows of itself when it is asked: as of this moment, where the rows of schema
/// `leat` are as of the last commit.
public struct LiveReport: Sendable, Codable, Equatable {
    /// The copy of the tables, while it runs.
    public struct Copy: Sendable, Codable, Equatable {
        public var tables: Int
        public var done: Int
        public var rows: Int
        public var bytes: Int
    }

    /// What lies between the source and the target.
    public struct Spool: Sendable, Codable, Equatable {
        public var end: String
        public var bytes: Int
    }

    /// How far the stream is, by stage.
    public struct Positions: Sendable, Codable, Equatable {
        /// The furthest end that the source has named.
        public var heard: String
        /// Committed on the target, durably or not.
        public var applied: String
        /// What a crash of the target cannot lose.
        public var stored: String
        /// What the source need not keep.
        public var confirmed: String
    }

    /// Changes of a table, or of all, that were applied since the process began.
    public struct Changes: Sendable, Codable, Equatable {
        public var inserts: Int
        public var updates: Int
        public var deletes: Int
        public var truncates: Int
    }

    /// How long batches took, from their turn until their commit.
    public struct ApplyTimes: Sendable, Codable, Equatable {
        /// Batches that took no longer than `seconds`, and longer than the bucket before; the last
        /// one has no bound.
        public struct Bucket: Sendable, Codable, Equatable {
            public var seconds: Double?
            public var batches: Int
        }

        public var batches: Int
        public var seconds: Double
        /// Without those that are empty.
        public var buckets: [Bucket]
    }

    public var host: String
    public var pid: Int
    /// `starting`, `copying`, `streaming`, `waiting`, `stopping`.
    public var phase: String
    /// Applied up to here.
    public var position: String
    /// The end of the source's WAL, as last read.
    public var sourceEnd: String?
    public var lagBytes: Int?
    public var lagSeconds: Double?
    /// WAL that the slot keeps on the source.
    public var slotRetainedBytes: Int?
    /// Since the process began.
    public var rowsApplied: Int
    public var transactionsApplied: Int
    public var positions: Positions?
    public var changes: Changes
    /// By `schema.table`; those of which nothing came are not listed.
    public var tables: [String: Changes]
    public var applyTimes: ApplyTimes
    /// Resolved by `--on-conflict` since the process began, by their kind.
    public var conflicts: [String: Int]
    public var copy: Copy?
    public var spool: Spool?

    init(_ snapshot: JobSnapshot) {
        host = HostName.own
        pid = Int(getpid())
        phase = snapshot.phase.rawValue
        position = snapshot.position.description
        sourceEnd = snapshot.sourceWALEnd?.description
        lagBytes = snapshot.lagBytes.map { Int(clamping: $0) }
        lagSeconds = snapshot.lagSeconds
        slotRetainedBytes = snapshot.slotRetainedBytes.map { Int(clamping: $0) }
        rowsApplied = snapshot.rowsApplied
        transactionsApplied = snapshot.transactionsApplied
        positions = snapshot.positions.map(Positions.init)
        changes = Changes(snapshot.operations)
        tables = Dictionary(
            snapshot.tables.map { ($0.key.joined, Changes($0.value)) },
            uniquingKeysWith: { first, _ in first })
        applyTimes = ApplyTimes(snapshot.applyTimes)
        conflicts = Dictionary(
            snapshot.conflicts.map { ($0.key.rawValue, $0.value) },
            uniquingKeysWith: { first, _ in first })
        if !snapshot.copies.allSatisfy(\.isDone) { copy = Copy(snapshot.copies) }
        spool = snapshot.spool.map { Spool(end: $0.end.description, bytes: $0.bytes) }
    }
}

extension LiveReport {
    private static let patience: Duration = .seconds(1)

    /// Asks the process that runs a stream.
    ///
    /// - Returns: Nil if it does not answer at once, or must not be asked: the role may only read, or
    ///   the target is a standby.
    static func asked(of stream: StreamName, _ session: Session) throws -> LiveReport? {
        guard try LeatSchema.isPresent("leat.requests", on: session),
            try session.query(
                """
                select not pg_catalog.pg_is_in_recovery()
                  and pg_catalog.has_table_privilege('leat.requests', 'select, insert')
                  and pg_catalog.has_table_privilege('leat.requests', 'delete')
                """
            ).bool()
        else { return nil }
        let store = RequestStore(session: session, stream: stream)
        try store.listen()
        let id = try store.ask(.status)
        defer { try? store.withdraw(id) }
        guard case .given(let text) = try store.wait(for: id, within: patience) else { return nil }
        return AnswerText.read(LiveReport.self, from: text)
    }
}

extension LiveReport.Positions {
    init(_ positions: JobSnapshot.Positions) {
        self.init(
            heard: "\(positions.heard)", applied: "\(positions.applied)",
            stored: "\(positions.stored)", confirmed: "\(positions.confirmed)")
    }
}

extension LiveReport.Changes {
    init(_ counts: ChangeCounts) {
        self.init(
            inserts: counts.inserts, updates: counts.updates, deletes: counts.deletes,
            truncates: counts.truncates)
    }
}

extension LiveReport.ApplyTimes {
    init(_ times: DurationHistogram) {
        let bounds = DurationHistogram.bounds.map(Optional.some) + [nil]
        self.init(
            batches: times.count, seconds: times.sum,
            buckets: zip(bounds, times.counts).filter { $0.1 > 0 }.map {
                Bucket(seconds: $0.0, batches: $0.1)
            })
    }
}

extension LiveReport.Copy {
    init(_ copies: [JobSnapshot.TableCopy]) {
        self.init(
            tables: copies.count, done: copies.count(where: \.isDone),
            rows: copies.reduce(0) { $0 + $1.rows }, bytes: copies.reduce(0) { $0 + $1.bytes })
    }
}
