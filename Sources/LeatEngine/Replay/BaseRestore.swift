internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

/// Copies a base's tables into the target with several workers, the largest table first.
struct BaseRestore {
    let configuration: ReplayConfiguration
    let base: BaseManifest
    let status: JobStatus
    let logger: Logger

    /// - Parameter levels: Those of one level are copied together, after the levels before it.
    func run(_ levels: [[SourceTable]]) async throws {
        let files = Dictionary(
            base.tables.map { (RelationID(rawValue: $0.oid), $0) },
            uniquingKeysWith: { first, _ in first })
        logger.info(
            "copying the base",
            metadata: ["tables": "\(levels.joined().count)", "lsn": "\(base.point)"])
        let items = try levels.map { level in
            try level.map { try BaseRestorer.Table($0, file: files[$0.relation.id], of: base) }
        }
        TableWorkers.begin(Array(items.joined()), in: status)
        let workers = TableWorkers(count: configuration.copyJobs, status: status, logger: logger)
        let attempt = "\(UInt64.random(in: .min ... .max))"
        for level in items {
            _ = try await workers.run(level) { number in
                BaseRestorer(
                    .init(stream: configuration.stream, number: number, attempt: attempt),
                    of: self)
            }
        }
    }
}

extension BaseRestorer.Table {
    fileprivate init(
        _ table: SourceTable, file: BaseManifest.Table?, of base: BaseManifest
    ) throws(Halt) {
        guard let file else {
            throw Halt(
                .positionMismatch, "Base \(base.point) has no rows of table \(table.name).",
                advice: "Begin anew from another base: --rewind --from-base.")
        }
        self.init(
            route: table.route, columns: table.columns, masks: table.masks,
            rowMasks: table.rowMasks, file: file)
        guard rowMasks == nil || file.columns == table.columns.map(\.name) else {
            throw Halt(
                .positionMismatch,
                """
                Base \(base.point) has other columns of table \(table.name) than its catalog: they \
                cannot be masked.
                """, advice: "Begin anew from another base: --rewind --from-base.")
        }
    }
}
