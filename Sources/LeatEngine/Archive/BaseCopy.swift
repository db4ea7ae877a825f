internal import Foundation
internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire
internal import Synchronization

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
        _ tables: [SourceTable], _ description: ArchiveDescription, snapshot: String, point: LSN
    ) async throws {
        let holder = try await SnapshotHolder.open(
            configuration.reading, snapshot: snapshot, tables: tables, clientEncoding: encoding)
        try await closing(holder) { try await run(tables, description, holder, point) }
    }

    private func run(
        _ tables: [SourceTable], _ description: ArchiveDescription, _ holder: SnapshotHolder,
        _ point: LSN
    ) async throws {
        logger.info(
            "copying tables into a base",
            metadata: ["tables": "\(tables.count)", "lsn": "\(point)"])
        try folder.beginBase(point, lock)
        let schema = try await dumpSchema(holder.snapshotName, point)
        status.update { snapshot in
            snapshot.phase = .copying
            snapshot.copies = tables.map { .init(table: $0.name, estimatedRows: $0.estimatedRows) }
        }
        let copied = try await copy(tables, holder.snapshotName, point).map { table in
            var table = table
            let name = TableName(schema: table.schema, name: table.name)
            table.definition = holder.definitions[name]?.texts
            return table
        }
        let sequences = try await sequences(tables, holder.connection)
        let manifest = BaseManifest(
            point: point, description: description, tables: copied, sequences: sequences,
            schema: schema, finishedAt: Int(Date().timeIntervalSince1970))
        try folder.finishBase(manifest, lock)
        FailPoint.baseFinished.reached()
        try noteParts(tables, holder)
        logger.info(
            "base finished",
            metadata: [
                "lsn": "\(point)", "rows": "\(copied.reduce(0) { $0 + $1.rows })",
            ])
    }

    /// What happened to partitions before is in the base's rows. A crash before it leaves what was
    /// noted, which is then of an older base.
    private func noteParts(_ tables: [SourceTable], _ holder: SnapshotHolder) throws {
        let roots = tables.filter(\.isPartitioned)
        var book = PartitionBook()
        _ = book.note(
            holder.partitions,
            under: Dictionary(
                roots.map { ($0.name, $0.relation.id) }, uniquingKeysWith: { first, _ in first }),
            existing: [])
        try PartitionsFile(book).write(folder, lock)
    }

    private func copy(
        _ tables: [SourceTable], _ snapshot: String, _ point: LSN
    ) async throws -> [BaseManifest.Table] {
        let queue = CopyQueue(tables)
        let done = Mutex<[BaseManifest.Table]>([])
        let path = folder.basePath(point)
        try await withThrowingTaskGroup(of: [BaseManifest.Table].self) { group in
            for _ in 1...min(configuration.baseJobs, max(tables.count, 1)) {
                group.addTask {
                    let worker = BaseWorker(configuration, path, status)
                    return try await closing(worker) {
                        try await worker.run(queue, snapshot, encoding)
                    }
                }
            }
            for try await tables in group { done.withLock { $0 += tables } }
        }
        return done.withLock { $0.sorted { ($0.schema, $0.name) < ($1.schema, $1.name) } }
    }

    /// They have no snapshot: what they say is of this moment, and never less than the tables'.
    private func sequences(
        _ tables: [SourceTable], _ connection: Connection
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
        _ snapshot: String, _ point: LSN
    ) async throws -> (file: String, checksum: UInt32)? {
        guard let program = configuration.schemaDump else { return nil }
        let name = "schema.sql"
        let bytes = try await SchemaDump(program: program, source: configuration.source)
            .run(snapshot: snapshot)
        return (name, try folder.writeBaseFile(name, bytes, of: point))
    }
}

/// Copies tables into files, one at a time, on one thread with a session of its own.
private actor BaseWorker: SessionActor, Closable {
    private nonisolated let executor = ConnectionExecutor(label: "leat.base")
    nonisolated let interrupt = Interrupt()
    private let configuration: RecordConfiguration
    private let folder: String
    private let status: JobStatus
    private var session: Session?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    init(_ configuration: RecordConfiguration, _ folder: String, _ status: JobStatus) {
        self.configuration = configuration
        self.folder = folder
        self.status = status
    }

    func run(
        _ queue: CopyQueue, _ snapshot: String, _ encoding: String
    ) async throws -> [BaseManifest.Table] {
        try await cancellable {
            let session = try Session(
                configuration.source,
                options: .init(
                    peer: .source, applicationName: configuration.stream.objectName),
                interrupt: interrupt)
            self.session = session
            try session.prepare(clientEncoding: encoding)
            try session.execute("begin isolation level repeatable read read only")
            try session.execute("set transaction snapshot \(SQLText.literal(snapshot))")
            var tables: [BaseManifest.Table] = []
            while let table = queue.next() {
                tables.append(try copy(table, session))
                status.updateCopy(of: table.name) { $0.isDone = true }
                FailPoint.baseTableCopied.reached()
            }
            return tables
        }
    }

    func close() {
        session?.close()
        session = nil
    }

    private func copy(_ table: SourceTable, _ session: Session) throws -> BaseManifest.Table {
        let file = "\(table.relation.id).copy.zst"
        let writer = try BaseFileWriter("\(folder)/\(file)")
        guard try session.lock(table) else { throw SnapshotHolder.Altered(table: table.name) }
        let rows = try read(table, session, into: writer)
        try session.releaseLocks()
        try writer.finish()
        report(table.name, rows, writer.bytes)
        return BaseManifest.Table(
            oid: table.relation.id.rawValue, schema: table.name.schema, name: table.name.name,
            columns: table.relation.columns.map(\.name), rows: rows, bytes: writer.bytes,
            file: file, crc32c: writer.checksum)
    }

    private func read(
        _ table: SourceTable, _ session: Session, into writer: BaseFileWriter
    ) throws -> Int {
        var rows = 0
        var failure: ArchiveError?
        try session.beginCopyOut("copy (\(table.copyQuery)) to stdout")
        while try session.nextCopyData({ payload in
            rows += 1
            // The copy must be read to its end, or the session is of no more use: it is closed.
            guard failure == nil else { return }
            do throws(ArchiveError) { try writer.append(payload.bytes) } catch {
                failure = error
            }
        }) {
            if let failure { throw failure }
            if rows.isMultiple(of: 2048) { report(table.name, rows, writer.bytes) }
        }
        if let failure { throw failure }
        return rows
    }

    private func report(_ table: TableName, _ rows: Int, _ bytes: Int) {
        status.updateCopy(of: table) { copy in
            copy.rows = rows
            copy.bytes = bytes
        }
    }
}
