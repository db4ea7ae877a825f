internal import Foundation
internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

/// Makes a base: the tables under one snapshot as compressed text COPY, and the schema.
///
/// Everything is synchronised before the manifest, which is written last. A crash before that
/// leaves a folder without one, which the next start removes.
struct BaseCopy {
    let configuration: RecordConfiguration
    let folder: ArchiveFolder
    let lock: WriterLock
    let encoding: String
    let status: JobStatus
    let logger: Logger

    /// - Parameters:
    ///   - snapshot: As a slot exported it; valid until the next command there.
    ///   - point: The slot's consistent point, to which the snapshot belongs.
    /// - Throws: ``SnapshotHolder/Altered``: start over with another slot.
    func run(
        _ tables: [SourceTable], describing description: ArchiveDescription, snapshot: String,
        point: LSN
    ) async throws {
        let holder = try await SnapshotHolder.open(
            configuration.reading, snapshot: snapshot, tables: tables, clientEncoding: encoding)
        try await closing(holder) {
            try await run(tables, describing: description, holder: holder, at: point)
        }
    }

    private func run(
        _ tables: [SourceTable], describing description: ArchiveDescription, holder: SnapshotHolder,
        at point: LSN
    ) async throws {
        logger.info(
            "copying tables into a base",
            metadata: ["tables": "\(tables.count)", "lsn": "\(point)"])
        try folder.beginBase(at: point, under: lock)
        let schema = try await dumpSchema(in: holder.snapshotName, at: point)
        TableWorkers.begin(tables, in: status)
        let copied = try await copy(tables, in: holder.snapshotName, at: point).map { table in
            var table = table
            let name = TableName(schema: table.schema, name: table.name)
            table.definition = holder.definitions[name]?.texts
            return table
        }
        let sequences = try await sequences(of: tables, on: holder.connection)
        let manifest = BaseManifest(
            point: point, description: description, tables: copied, sequences: sequences,
            schema: schema, finishedAt: Int(Date().timeIntervalSince1970))
        try folder.finishBase(manifest, under: lock)
        FailPoint.baseFinished.reached()
        try noteParts(of: tables, in: holder)
        logger.info(
            "base finished",
            metadata: [
                "lsn": "\(point)", "rows": "\(copied.reduce(0) { $0 + $1.rows })",
            ])
    }

    /// What happened to partitions before is in the base's rows. A crash before it leaves what was
    /// noted, which is then of an older base.
    private func noteParts(of tables: [SourceTable], in holder: SnapshotHolder) throws {
        let roots = tables.filter(\.isPartitioned)
        var book = PartitionBook()
        _ = book.note(
            holder.partitions,
            under: Dictionary(
                roots.map { ($0.name, $0.relation.id) }, uniquingKeysWith: { first, _ in first }),
            existing: [])
        try PartitionsFile(book).write(in: folder, under: lock)
    }

    private func copy(
        _ tables: [SourceTable], in snapshot: String, at point: LSN
    ) async throws -> [BaseManifest.Table] {
        let workers = TableWorkers(count: configuration.baseJobs, status: status, logger: logger)
        let path = folder.basePath(point)
        let done = try await workers.run(tables) { _ in
            BaseWorker(of: self, in: path, under: snapshot)
        }.outputs
        return done.sorted { ($0.schema, $0.name) < ($1.schema, $1.name) }
    }

    /// They have no snapshot: what they say is of this moment, and never less than the tables'.
    private func sequences(
        of tables: [SourceTable], on connection: Connection
    ) async throws -> [BaseManifest.Sequence] {
        let all = configuration.ownsPublication && configuration.selection.tables.isEmpty
        let names = tables.map(\.name)
        let found = try await connection.run {
            try SequenceSync.read($0, tables: names, all: all)
        }
        var (seen, sequences): (Set<TableName>, [BaseManifest.Sequence]) = ([], [])
        for source in found where seen.insert(source.name).inserted {
            sequences.append(
                .init(
                    schema: source.name.schema, name: source.name.name,
                    lastValue: source.lastValue, isCalled: source.isCalled))
        }
        return sequences
    }

    // MARK: The schema

    /// - Returns: The file's name and checksum; nil if none was asked for.
    private func dumpSchema(
        in snapshot: String, at point: LSN
    ) async throws -> (file: String, checksum: UInt32)? {
        guard let program = configuration.schemaDump else { return nil }
        let name = "schema.sql"
        let bytes = try await SchemaDump(program: program, source: configuration.source)
            .run(snapshot: snapshot)
        return (name, try folder.writeBaseFile(name, holding: bytes, of: point))
    }
}
