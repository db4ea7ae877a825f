import LeatCore
@testable import LeatFlow
import LeatTestSupport
import Metrics
import MetricsTestKit
import PGWire
import Testing

/// What a running job shows of itself, and what a monitor counts: the same.
@Suite("The status of a job")
struct JobStatusTests {
    private func relation(_ id: UInt32, _ name: String) -> Relation {
        Relation(
            id: RelationID(rawValue: id), schema: "public", name: name, replicaIdentity: .default,
            columns: [])
    }

    /// A batch of two tables and a truncate of both; a message counts nothing.
    private func batch() -> Batch {
        var batch = Batch()
        batch.relations = [relation(1, "a"), relation(2, "b")]
        batch.truncates = [Truncate(relations: [0, 1])]
        for (kind, index) in [
            (Change.Kind.insert, 0), (.insert, 0), (.update, 1), (.delete, 0), (.truncate, 0),
            (.message, 0),
        ] {
            batch.changes.append(Change(kind: kind, relation: UInt32(index), lsn: 100))
        }
        return batch
    }

    @Test("counts changes by table and operation, and how long they took")
    func counts() throws {
        let metrics = TestMetrics()
        let status = JobStatus(metrics: metrics)
        for _ in 1...2 {
            status.applied(
                Applied(
                    end: 200, transactions: 3, changes: 6,
                    conflicts: [
                        .init(
                            table: "public.a", kind: .updateMissing, policy: .skip, firstLSN: 1,
                            count: 4)
                    ]), counts: BatchCounts(batch()), took: .milliseconds(2))
        }

        let snapshot = status.snapshot
        #expect(snapshot.position == 200)
        #expect(snapshot.rowsApplied == 12)
        #expect(snapshot.transactionsApplied == 6)
        #expect(snapshot.operations.inserts == 4)
        #expect(snapshot.operations.total == 12)
        let tables = snapshot.tables
        let a = try #require(tables[TableName(schema: "public", name: "a")])
        #expect([a.inserts, a.updates, a.deletes, a.truncates] == [4, 0, 2, 2])
        #expect(tables[TableName(schema: "public", name: "b")]?.truncates == 2)
        #expect(snapshot.conflicts == [.updateMissing: 8])
        #expect(snapshot.applyTimes.count == 2)
        #expect(snapshot.applyTimes.bound(ofShare: 0.5) == 0.0025)

        let inserts = try metrics.expectCounter(
            "leat_rows_total", [("table", "public.a"), ("op", "insert")])
        #expect(inserts.totalValue == 4)
        #expect(try metrics.expectCounter("leat_transactions_total").totalValue == 6)
        #expect(
            try metrics.expectCounter("leat_conflicts_total", [("type", "update_missing")])
                .totalValue == 8)
        #expect(try metrics.expectTimer("leat_apply_seconds").values == [2_000_000, 2_000_000])
        #expect(try metrics.expectRecorder("leat_batch_rows").values == [5, 5])
    }

    @Test("tells a monitor what has a value at each moment")
    func gauges() throws {
        let metrics = TestMetrics()
        let status = JobStatus(metrics: metrics)
        status.update { snapshot in
            snapshot.position = 100
            snapshot.sourceWALEnd = 350
            snapshot.slotRetainedBytes = 4096
        }
        status.tellMetrics()
        #expect(try metrics.expectGauge("leat_lag_bytes").lastValue == 250)
        #expect(try metrics.expectGauge("leat_slot_retained_bytes").lastValue == 4096)
    }

    @Test("shows the stages of the stream that flows, each behind the one before")
    func positions() throws {
        let status = JobStatus(metrics: TestMetrics())
        #expect(status.snapshot.positions == nil)
        let positions = SharedPosition(PositionState(startingAt: 100, confirmed: 90))
        status.follow { positions.stages }
        positions.with { $0.commitReceived(end: 300) }
        positions.committed(through: 200, isDurable: false)
        #expect(
            status.snapshot.positions
                == .init(heard: 300, applied: 200, stored: 90, confirmed: 90))
        status.follow(nil)
        #expect(status.snapshot.positions == nil)
    }

    @Test("puts a duration into the bucket that it fits, and what is longer than all into the last")
    func buckets() {
        var times = DurationHistogram()
        for duration in [Duration.milliseconds(1), .microseconds(1001), .seconds(60), .zero] {
            times.note(duration)
        }
        #expect(times.counts.first == 1 && times.counts[1] == 1 && times.counts[2] == 1)
        #expect(times.counts.last == 1)
        #expect(times.bound(ofShare: 0.25) == 0.0005)
        #expect(times.bound(ofShare: 1) == nil)
        #expect(DurationHistogram().bound(ofShare: 0.5) == nil)
    }
}
