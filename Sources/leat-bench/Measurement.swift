import CAllocationCount

/// What a stage costs on a workload: of several passes the one with the least processor time,
/// which other work on the machine prolongs less than it does the time by the clock.
struct Measurement {
    private let stage: String
    private let workload: String
    private let nanosecondsPerRow: Double
    private let bytesPerRow: Double
    /// Nil where they cannot be counted.
    private let allocationsPerRow: Double?

    init(of stage: Stage, on workload: Workload, passes: Int) throws {
        self.stage = stage.name
        self.workload = workload.name
        var quickest: Duration?
        var fewest: Int64?
        for _ in 0..<passes {
            let before = leat_allocation_count()
            let (start, rows) = (ProcessorTime.own, try stage.run(workload))
            let took = ProcessorTime.own - start
            let allocated = leat_allocation_count() - before
            guard rows == workload.rows else {
                throw Stage.Incomplete(
                    description: "\(stage.name) of \(workload.name): \(rows) rows came out of "
                        + "\(workload.rows)")
            }
            quickest = min(quickest ?? took, took)
            fewest = min(fewest ?? allocated, allocated)
        }
        let rows = Double(workload.rows)
        nanosecondsPerRow = (quickest ?? .zero) / .nanoseconds(1) / rows
        bytesPerRow = Double(workload.payloads.byteCount) / rows
        allocationsPerRow = leat_allocation_count() < 0 ? nil : Double(fewest ?? 0) / rows
    }

    private var rowsPerSecond: Double { 1e9 / nanosecondsPerRow }

    // MARK: Output

    static let heading = row("workload", "stage", "rows/s", "ns/row", "MB/s", "allocations/row")

    var line: String {
        Self.row(
            workload, stage, "\(Int(rowsPerSecond))", Self.fixed(nanosecondsPerRow, digits: 1),
            Self.fixed(rowsPerSecond * bytesPerRow / 1e6, digits: 0),
            allocationsPerRow.map { Self.fixed($0, digits: 4) } ?? "-")
    }

    var json: String {
        """
        {"workload": "\(workload)", "stage": "\(stage)", "rows_per_second": \(Int(rowsPerSecond)), \
        "bytes_per_second": \(Int(rowsPerSecond * bytesPerRow)), \
        "allocations_per_row": \(allocationsPerRow.map { Self.fixed($0, digits: 6) } ?? "null")}
        """
    }

    private static func row(_ columns: String...) -> String {
        columns.enumerated().map { index, text in
            let padding = String(repeating: " ", count: max(0, (index < 2 ? 12 : 16) - text.count))
            return index < 2 ? text + padding : padding + text
        }.joined()
    }

    /// Rounded to so many digits behind the point.
    private static func fixed(_ value: Double, digits: Int) -> String {
        let scale = (0..<digits).reduce(1) { scale, _ in scale * 10 }
        let scaled = Int((value * Double(scale)).rounded())
        guard digits > 0 else { return "\(scaled)" }
        let fraction = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count)
            + fraction
    }
}
