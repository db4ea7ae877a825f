public import LeatCore
public import Metrics
internal import PGWire
internal import Synchronization

/// The place where the parts of a run put what ``JobSnapshot`` shows.
public final class JobStatus: Sendable {
    /// Reads those of the stream that flows.
    typealias Positions = @Sendable () -> JobSnapshot.Positions

    private struct State {
        var snapshot = JobSnapshot()
        /// Where tables stand in `snapshot.copies`; found anew when it no longer fits.
        var places: [TableName: Int] = [:]
        /// Of the stream that flows now.
        var positions: Positions?
        /// Relations' names as the snapshot has them.
        var names: [RelationID: TableName] = [:]

        mutating func count(_ applied: Applied, counts: BatchCounts, took duration: Duration) {
            snapshot.rowsApplied += applied.changes
            snapshot.transactionsApplied += applied.transactions
            snapshot.applyTimes.note(duration)
            for (relation, counts) in counts.tables {
                snapshot.operations += counts
                snapshot.tables[name(of: relation), default: ChangeCounts()] += counts
            }
            for conflict in applied.conflicts {
                snapshot.conflicts[conflict.kind, default: 0] += conflict.count
            }
            guard let end = applied.end else { return }
            snapshot.position = max(snapshot.position, end)
            snapshot.lastCommitTime = applied.commitTime
        }

        /// A name is made once, and again when the table has another.
        private mutating func name(of relation: Relation) -> TableName {
            if let name = names[relation.id], name.name == relation.name,
                name.schema == relation.schema
            {
                return name
            }
            let name = TableName(relation)
            names[relation.id] = name
            return name
        }

        mutating func place(of table: TableName) -> Int? {
            if let place = places[table], place < snapshot.copies.count,
                snapshot.copies[place].table == table
            {
                return place
            }
            places = Dictionary(
                snapshot.copies.enumerated().map { ($1.table, $0) },
                uniquingKeysWith: { first, _ in first })
            return places[table]
        }
    }

    private let state = Mutex(State())
    private let metrics: JobMetrics

    /// Counts into what the process has bootstrapped `MetricsSystem` with.
    public convenience init() {
        self.init(metrics: MetricsSystem.factory)
    }

    /// Counts into `metrics`.
    public init(metrics: any MetricsFactory) {
        self.metrics = JobMetrics(metrics)
    }

    /// As of this moment, copied out whole.
    public var snapshot: JobSnapshot {
        var (snapshot, positions) = state.withLock { ($0.snapshot, $0.positions) }
        snapshot.positions = positions?()
        return snapshot
    }

    /// From here on they are those of this stream; nil: none flows.
    func follow(_ positions: Positions?) {
        state.withLock { $0.positions = positions }
    }

    /// A sink has taken a batch.
    func applied(_ applied: Applied, counts: BatchCounts, took duration: Duration) {
        state.withLock { $0.count(applied, counts: counts, took: duration) }
        metrics.applied(applied, counts: counts, took: duration)
    }

    /// For whoever listens to the metrics, what has a value at each moment; now and then.
    public func tellMetrics() {
        metrics.show(snapshot)
    }

    /// Changes what is shown; `body` must not wait for anything.
    public func update(_ body: (inout JobSnapshot) -> Void) {
        state.withLock { body(&$0.snapshot) }
    }

    /// Changes what is shown of the copy of a table, if one is; `body` must not wait for anything.
    public func updateCopy(of table: TableName, _ body: (inout JobSnapshot.TableCopy) -> Void) {
        state.withLock { state in
            guard let place = state.place(of: table) else { return }
            body(&state.snapshot.copies[place])
        }
    }

    /// What is shown of the copy of a table; nil: it is not copied.
    public func copy(of table: TableName) -> JobSnapshot.TableCopy? {
        state.withLock { state in state.place(of: table).map { state.snapshot.copies[$0] } }
    }
}
