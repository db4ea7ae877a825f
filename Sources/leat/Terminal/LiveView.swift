import Foundation
import LeatCore
import LeatEngine
internal import LeatFlow
import PGWire

/// What a terminal shows of a running sync: a bar a table while copying, then one line.
struct LiveView {
    private var lastRows = 0
    private var lastTime = ContinuousClock.now
    private var rate = 0.0

    static let interval: Duration = .milliseconds(250)
    private static let mostBars = 12
    private static let barWidth = 24

    /// Shows `status` until the task is cancelled.
    static func run(_ status: JobStatus) async {
        var view = LiveView()
        while !Task.isCancelled {
            Terminal.shared.show(view.lines(status.snapshot))
            try? await Task.sleep(for: interval)
        }
        Terminal.shared.show(view.lines(status.snapshot))
        Terminal.shared.settle()
    }

    mutating func lines(_ snapshot: JobSnapshot) -> [String] {
        switch snapshot.phase {
        case .starting: ["starting"]
        case .waiting: ["waiting to try again"]
        case .copying: copyLines(snapshot)
        case .stopping where snapshot.position.isZero: ["stopping"]
        case .streaming, .stopping: [streamLine(snapshot)]
        }
    }

    private func copyLines(_ snapshot: JobSnapshot) -> [String] {
        let done = snapshot.copies.filter(\.isDone)
        let active = snapshot.copies.filter { !$0.isDone && $0.rows > 0 }
        let rows = snapshot.copies.reduce(0) { $0 + $1.rows }
        let bytes = snapshot.copies.reduce(0) { $0 + $1.bytes }
        let summary =
            "copied \(done.count) of \(snapshot.copies.count) tables, "
            + "\(Units.count(rows)) rows, \(Units.bytes(UInt64(bytes)))"
        return active.prefix(LiveView.mostBars).map(bar) + [summary]
    }

    private func bar(_ copy: JobSnapshot.TableCopy) -> String {
        let rows = "\(Units.count(copy.rows)) rows"
        guard copy.estimatedRows > 0 else { return "  \(copy.table)  \(rows)" }
        // The estimate may be low: a bar is full only when its table is done.
        let share = min(Double(copy.rows) / Double(copy.estimatedRows), 0.99)
        let filled = Int(share * Double(LiveView.barWidth))
        let bar =
            String(repeating: "#", count: filled)
            + String(repeating: ".", count: LiveView.barWidth - filled)
        return "  [\(bar)] \(Int(share * 100))%  \(copy.table)  \(rows)"
    }

    private mutating func streamLine(_ snapshot: JobSnapshot) -> String {
        let now = ContinuousClock.now
        let seconds = (now - lastTime) / .seconds(1)
        if seconds >= 1 {
            rate = Double(snapshot.rowsApplied - lastRows) / seconds
            (lastRows, lastTime) = (snapshot.rowsApplied, now)
        }
        let bytes = snapshot.lagBytes.map(Units.bytes) ?? "?"
        let age = snapshot.lagSeconds.map { String(format: "%.1f s", $0) } ?? "?"
        let pending =
            (snapshot.consistentFrom ?? .zero) > snapshot.position ? "  catching up" : ""
        let spool = snapshot.spool.map { "  spool \(Units.bytes(UInt64($0.bytes)))" } ?? ""
        return "\(snapshot.phase)  position \(snapshot.position)  lag \(bytes), \(age)  "
            + "\(Units.count(Int(rate))) rows/s\(spool)\(pending)"
    }
}
