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
            TableWorkers.begin(tables, in: status)
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
        let snapshot = CopySnapshot(name: holder.snapshotName, point: point, locks: locks)
        return try await withThrowingTaskGroup(of: [TableName]?.self) { group in
            group.addTask {
                try await locks.watch(holder.connection)
                return nil
            }
            group.addTask {
                for level in levels {
                    let left = try await copy(
                        level, partitions: holder.partitions, under: snapshot)
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
        _ tables: [SourceTable], partitions: [PartitionBook.Found], under snapshot: CopySnapshot
    ) async throws -> [TableName] {
        let partitions = Dictionary(grouping: partitions, by: \.root)
        let attempt = "\(UInt64.random(in: .min ... .max))"
        let workers = TableWorkers(
            count: configuration.copyJobs, status: status, logger: logger)
        let items = tables.map { table in
            var table = table
            table.partitions = partitions[table.relation.id] ?? []
            return table
        }
        return try await workers.run(items) { number in
            TableCopier(
                .init(stream: configuration.stream, number: number, attempt: attempt), of: self,
                under: snapshot)
        }.left
    }
}

/// What the workers of a copy have in common.
struct CopySnapshot: Sendable {
    /// As it was exported; valid while its holder is.
    var name: String
    /// The slot's consistent point, to which it belongs.
    var point: LSN
    var locks: CopyLocks
}

extension SourceTable: TableItem {}
