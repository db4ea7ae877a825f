internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

/// Copies tables under one snapshot with several workers, the largest table first.
struct InitialCopy {
    let configuration: SyncConfiguration
    let clientEncoding: String
    let status: JobStatus
    let logger: Logger

    /// - Parameters:
    ///   - levels: Those of one level are copied together, after the levels before it.
    ///   - snapshot: As the slot exported it; valid until the next command there.
    ///   - point: The slot's consistent point, to which the snapshot belongs.
    ///   - held: Called once the snapshot is held, with what the tables are in it.
    /// - Throws: ``Restart`` if a table could not be copied under this snapshot: the next start
    ///   copies it, as after a crash.
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
            let left = try await copy(levels, under: holder, point: point)
            guard left.isEmpty else {
                let names = NameList.text(left.map(\.description))
                throw Restart(
                    reason: "These tables were altered before their rows were read: \(names)")
            }
        }
    }

    /// - Returns: Tables that were altered before they were read.
    private func copy(
        _ levels: [[SourceTable]], under holder: SnapshotHolder, point: LSN
    ) async throws -> [TableName] {
        let locks = CopyLocks(yieldsAfter: configuration.yieldsLocksAfter, logger: logger)
        return try await withThrowingTaskGroup(of: [TableName]?.self) { group in
            group.addTask {
                try await locks.watch(holder.connection)
                return nil
            }
            group.addTask {
                for level in levels {
                    let left = try await copy(level, under: holder, point: point, locks)
                    // Others may refer to them.
                    guard left.isEmpty else { return left }
                }
                return []
            }
            defer { group.cancelAll() }
            while let ended = try await group.next() {
                if let left = ended { return left }
            }
            return []
        }
    }

    /// - Returns: Tables that were altered before they were read.
    private func copy(
        _ tables: [SourceTable], under holder: SnapshotHolder, point: LSN, _ locks: CopyLocks
    ) async throws -> [TableName] {
        let partitions = Dictionary(grouping: holder.partitions, by: \.root)
        let queue = CopyQueue(
            tables.map { table in
                var table = table
                table.partitions = partitions[table.relation.id] ?? []
                return table
            })
        let attempt = "\(UInt64.random(in: .min ... .max))"
        return try await withThrowingTaskGroup(of: [TableName].self) { group in
            for number in 1...min(configuration.copyJobs, max(tables.count, 1)) {
                group.addTask {
                    let worker = TableCopier(
                        configuration, number: number, status: status, attempt: attempt,
                        silence: .telling(logger, limit: configuration.answerTimeout))
                    return try await work(worker, queue, holder.snapshotName, point, locks)
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    private func work(
        _ worker: TableCopier, _ queue: CopyQueue, _ snapshot: String, _ point: LSN,
        _ locks: CopyLocks
    ) async throws -> [TableName] {
        try await closing(worker) {
            var left: [TableName] = []
            try await worker.connect(snapshot: snapshot, clientEncoding: clientEncoding)
            while let (number, table) = queue.numbered() {
                let level = queue.level(of: number, logger)
                logger.log(level: level, "copying", metadata: ["table": "\(table.name)"])
                switch try await worker.copy(table, snapshot: point, locks) {
                case .done: break
                case .altered:
                    left.append(table.name)
                    continue
                case .yielded:
                    queue.putBack(table)
                    continue
                }
                let rows = status.copy(of: table.name)?.rows ?? 0
                logger.log(
                    level: level, "copied",
                    metadata: ["table": "\(table.name)", "rows": "\(rows)"])
            }
            try await worker.finish()
            return left
        }
    }
}
