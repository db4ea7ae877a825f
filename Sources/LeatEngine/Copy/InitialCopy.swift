internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

/// Copies tables under one snapshot with several workers, the largest table first.
struct InitialCopy {
    let configuration: SyncConfiguration
    let clientEncoding: String
    let status: SyncStatus
    let logger: Logger

    /// - Parameters:
    ///   - levels: Those of one level are copied together, after the levels before it.
    ///   - snapshot: As the slot exported it; valid until the next command there.
    ///   - point: The slot's consistent point, to which the snapshot belongs.
    ///   - held: Called once the snapshot is held, with what the tables are in it.
    /// - Throws: ``SnapshotHolder/Rewritten``: start over with a new slot.
    func run(
        _ levels: [[SourceTable]], snapshot: String, point: LSN,
        held: ([TableName: TableDefinition]) async throws -> Void
    ) async throws {
        let tables = Array(levels.joined())
        let holder = try await SnapshotHolder.open(
            configuration.reading, snapshot: snapshot, tables: tables,
            clientEncoding: clientEncoding)
        try await closing(holder) {
            try await held(holder.definitions)
            status.update { snapshot in
                snapshot.phase = .copying
                snapshot.copies = tables.map {
                    .init(table: $0.name, estimatedRows: $0.estimatedRows)
                }
            }
            for level in levels { try await copy(level, under: holder, point: point) }
        }
    }

    private func copy(
        _ tables: [SourceTable], under holder: SnapshotHolder, point: LSN
    ) async throws {
        let partitions = Dictionary(grouping: holder.partitions, by: \.root)
        let queue = CopyQueue(
            tables.map { table in
                var table = table
                table.partitions = partitions[table.relation.id] ?? []
                return table
            })
        let attempt = "\(UInt64.random(in: .min ... .max))"
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...min(configuration.copyJobs, max(tables.count, 1)) {
                group.addTask {
                    let worker = TableCopier(
                        configuration, number: number, status: status, attempt: attempt,
                        silence: .telling(logger, limit: configuration.answerTimeout))
                    try await work(worker, queue, holder.snapshotName, point)
                }
            }
            for try await _ in group {}
        }
    }

    private func work(
        _ worker: TableCopier, _ queue: CopyQueue, _ snapshot: String, _ point: LSN
    ) async throws {
        try await closing(worker) {
            try await worker.connect(snapshot: snapshot, clientEncoding: clientEncoding)
            while let (number, table) = queue.numbered() {
                let level = queue.level(of: number, logger)
                logger.log(level: level, "copying", metadata: ["table": "\(table.name)"])
                try await worker.copy(table, snapshot: point)
                let rows = status.copy(of: table.name)?.rows ?? 0
                logger.log(
                    level: level, "copied",
                    metadata: ["table": "\(table.name)", "rows": "\(rows)"])
            }
            try await worker.finish()
        }
    }
}
