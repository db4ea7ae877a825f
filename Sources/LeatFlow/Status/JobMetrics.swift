internal import LeatCore
internal import Metrics
internal import PGWire
internal import Synchronization

/// The same values for whoever the process has bootstrapped `MetricsSystem` with: Prometheus, StatsD, a
/// test. Names as the design has them, base units. Where nobody listens each costs a call.
///
/// Written by ``JobStatus`` alone, so that what a page shows and what a monitor counts are one.
final class JobMetrics: Sendable {
    private struct Key: Hashable {
        var table: RelationID
        var operation: String
    }

    private struct Handles {
        var rows: [Key: Counter] = [:]
        var conflicts: [String: Counter] = [:]
    }

    private let factory: any MetricsFactory
    private let handles = Mutex(Handles())
    private let transactions: Counter
    private let batchRows: Recorder
    private let apply: Timer
    private let lagBytes: Gauge
    private let lagSeconds: Gauge
    private let retained: Gauge
    private let copiedRows: Gauge
    private let copiedBytes: Gauge
    private let copiedTables: Gauge
    private let partitionChanges: Gauge

    init(_ factory: any MetricsFactory) {
        self.factory = factory
        transactions = Counter(label: "leat_transactions_total", factory: factory)
        batchRows = Recorder(label: "leat_batch_rows", factory: factory)
        apply = Timer(label: "leat_apply_seconds", factory: factory)
        lagBytes = Gauge(label: "leat_lag_bytes", factory: factory)
        lagSeconds = Gauge(label: "leat_lag_seconds", factory: factory)
        retained = Gauge(label: "leat_slot_retained_bytes", factory: factory)
        copiedRows = Gauge(label: "leat_copy_rows", factory: factory)
        copiedBytes = Gauge(label: "leat_copy_bytes", factory: factory)
        copiedTables = Gauge(label: "leat_copy_tables_done", factory: factory)
        partitionChanges = Gauge(label: "leat_partition_changes_total", factory: factory)
    }

    func applied(_ applied: Applied, counts: BatchCounts, took duration: Duration) {
        transactions.increment(by: applied.transactions)
        batchRows.record(counts.changes)
        apply.recordNanoseconds(duration.nanoseconds)
        for (relation, counts) in counts.tables {
            for (operation, count) in counts.byOperation where count > 0 {
                rows(of: relation, operation).increment(by: count)
            }
        }
        for conflict in applied.conflicts {
            conflicts(of: conflict.kind.rawValue).increment(by: conflict.count)
        }
    }

    /// What has a value at each moment.
    func show(_ snapshot: JobSnapshot) {
        if let bytes = snapshot.lagBytes { lagBytes.record(Double(bytes)) }
        if let seconds = snapshot.lagSeconds { lagSeconds.record(seconds) }
        if let bytes = snapshot.slotRetainedBytes { retained.record(Double(bytes)) }
        partitionChanges.record(snapshot.partitionChanges)
        guard !snapshot.copies.isEmpty else { return }
        copiedRows.record(snapshot.copies.reduce(0) { $0 + $1.rows })
        copiedBytes.record(snapshot.copies.reduce(0) { $0 + $1.bytes })
        copiedTables.record(snapshot.copies.count(where: \.isDone))
    }

    private func rows(of relation: Relation, _ operation: String) -> Counter {
        let key = Key(table: relation.id, operation: operation)
        return handles.withLock { handles in
            if let known = handles.rows[key] { return known }
            let name = TableName(relation).description
            let counter = Counter(
                label: "leat_rows_total", dimensions: [("table", name), ("op", operation)],
                factory: factory)
            handles.rows[key] = counter
            return counter
        }
    }

    private func conflicts(of kind: String) -> Counter {
        handles.withLock { handles in
            if let known = handles.conflicts[kind] { return known }
            let counter = Counter(
                label: "leat_conflicts_total", dimensions: [("type", kind)], factory: factory)
            handles.conflicts[kind] = counter
            return counter
        }
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
