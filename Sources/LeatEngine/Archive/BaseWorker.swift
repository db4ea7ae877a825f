internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// Copies tables into files of a base, on one thread with a session of its own.
actor BaseWorker: SessionActor, TableWorker {
    private nonisolated let executor = ConnectionExecutor(label: "leat.base")
    nonisolated let interrupt = Interrupt()
    private let base: BaseCopy
    private let folder: String
    private let snapshot: String
    private var session: Session?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    init(of base: BaseCopy, in folder: String, under snapshot: String) {
        self.base = base
        self.folder = folder
        self.snapshot = snapshot
    }

    private var status: JobStatus { base.status }

    func connect() async throws {
        try await cancellable {
            session = try .reading(
                base.configuration.reading, under: snapshot, clientEncoding: base.encoding,
                interrupt: interrupt)
        }
    }

    func work(on table: SourceTable) async throws -> TableOutcome<BaseManifest.Table> {
        try await cancellable {
            guard let session else { preconditionFailure("the worker is not connected") }
            let copied = try copy(table, from: session)
            status.updateCopy(of: table.name) { $0.isDone = true }
            FailPoint.baseTableCopied.reached()
            return .done(copied)
        }
    }

    func finish() {}

    func close() {
        session?.close()
        session = nil
    }

    private func copy(_ table: SourceTable, from session: Session) throws -> BaseManifest.Table {
        let file = "\(table.relation.id).copy.zst"
        let writer = try BaseFileWriter("\(folder)/\(file)")
        guard try session.lock(table) else { throw SnapshotHolder.Altered(table: table.name) }
        let rows = try read(table, from: session, into: writer)
        try session.releaseLocks()
        try writer.finish()
        report(table.name, rows: rows, bytes: writer.bytes)
        return BaseManifest.Table(
            oid: table.relation.id.rawValue, schema: table.name.schema, name: table.name.name,
            columns: table.relation.columns.map(\.name), rows: rows, bytes: writer.bytes,
            file: file, crc32c: writer.checksum)
    }

    private func read(
        _ table: SourceTable, from session: Session, into writer: BaseFileWriter
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
            if rows.isMultiple(of: 2048) { report(table.name, rows: rows, bytes: writer.bytes) }
        }
        if let failure { throw failure }
        return rows
    }

    private func report(_ table: TableName, rows: Int, bytes: Int) {
        status.updateCopy(of: table) { copy in
            copy.rows = rows
            copy.bytes = bytes
        }
    }
}
