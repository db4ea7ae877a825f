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
        status.update { snapshot in
            snapshot.phase = .copying
            snapshot.copies = levels.joined().map { table in
                .init(table: table.name, estimatedRows: files[table.relation.id]?.rows ?? 0)
            }
        }
        for level in levels {
            let tables = try level.map { table in
                guard let file = files[table.relation.id] else {
                    throw Halt(
                        .positionMismatch, "Base \(base.point) has no rows of table \(table.name).",
                        advice: "Begin anew from another base: --rewind --from-base.")
                }
                return BaseRestorer.Table(table: table, file: file)
            }
            try await copy(tables)
        }
    }

    private func copy(_ tables: [BaseRestorer.Table]) async throws {
        let queue = SizedQueue(tables, bytes: \.file.bytes)
        let attempt = "\(UInt64.random(in: .min ... .max))"
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...min(configuration.copyJobs, max(tables.count, 1)) {
                group.addTask {
                    let worker = BaseRestorer(
                        configuration, base, number: number, attempt: attempt, status: status)
                    try await work(worker, queue)
                }
            }
            for try await _ in group {}
        }
    }

    private func work(_ worker: BaseRestorer, _ queue: SizedQueue<BaseRestorer.Table>) async throws
    {
        try await closing(worker) {
            try await worker.connect()
            while let (number, table) = queue.numbered() {
                try await worker.copy(table)
                logger.log(
                    level: queue.level(of: number, logger), "copied",
                    metadata: ["table": "\(table.table.name)", "rows": "\(table.file.rows)"])
            }
            try await worker.finish()
        }
    }
}

/// Copies a base's tables, one at a time, on one thread with a session on the target.
///
/// The steps, and what a crash leaves, are those of ``TableCopier``. What the file holds is
/// compared with the manifest before the transaction ends: a damaged one leaves nothing.
actor BaseRestorer: SessionActor, Closable {
    struct Table: Sendable {
        var table: SourceTable
        var file: BaseManifest.Table
    }

    private nonisolated let executor = ConnectionExecutor(label: "leat.copy")
    nonisolated let interrupt = Interrupt()
    private let configuration: ReplayConfiguration
    private let base: BaseManifest
    private let number: Int
    private let attempt: String
    private let status: JobStatus
    private var target: Session?
    private var originMark: OriginMark?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    init(
        _ configuration: ReplayConfiguration, _ base: BaseManifest, number: Int, attempt: String,
        status: JobStatus
    ) {
        self.configuration = configuration
        self.base = base
        self.number = number
        self.attempt = attempt
        self.status = status
    }

    func connect() async throws {
        try await cancellable {
            let session = try Session(
                configuration.target,
                options: .init(peer: .target, applicationName: configuration.stream.objectName),
                interrupt: interrupt)
            try session.prepare(clientEncoding: base.description.encoding)
            _ = try ApplySession.configure(session, configuration.role)
            try SessionZone(assumed: configuration.assumedZone, stream: configuration.stream)
                .set(session)
            target = session
            let mark = OriginMark(
                session: session, stream: configuration.stream, part: .worker(number))
            if try mark.setUp() == .set { originMark = mark }
        }
    }

    func finish() async throws {
        try await cancellable {
            try originMark?.end()
            originMark = nil
        }
    }

    func close() {
        target?.close()
        target = nil
        originMark = nil
    }

    func copy(_ table: Table) async throws {
        try await cancellable {
            guard let target else { preconditionFailure("the copier is not connected") }
            let store = TableStore(session: target, stream: configuration.stream)
            guard try store.beginCopy(table.table.name, attempt: attempt) else { return }
            try target.transaction {
                let rows = try copyRows(table, to: target)
                guard
                    try store.finishCopy(
                        table.table.name, attempt: attempt, snapshot: base.lsn, rows: rows)
                else {
                    throw Restart(reason: "another copy of table \(table.table.name) has begun")
                }
            }
            status.updateCopy(of: table.table.name) { $0.isDone = true }
            FailPoint.tableCopied.reached()
        }
    }

    private func copyRows(_ table: Table, to target: Session) throws -> Int {
        let list = table.file.columns.map(SQLText.identifier).joined(separator: ", ")
        do {
            try target.beginCopyIn(
                "copy \(table.table.name.quoted)\(list.isEmpty ? "" : " (\(list))") from stdin")
            do { try send(table, to: target) } catch let error as ArchiveError {
                try target.abandonCopyIn()
                throw Halt(error, archive: configuration.archive)
            }
            let rows = try target.endCopyIn()
            guard rows == table.file.rows else { throw damaged(table, "\(rows) rows") }
            return rows
        } catch let error as ConnectionError where error.code == .server {
            if let state = error.sqlState, Transient.isTransient(sqlState: state) { throw error }
            // What is no row any more fails before the end of the file says that it is damaged.
            try check(table)
            throw refused(table, error)
        }
    }

    private func refused(_ table: Table, _ error: ConnectionError) -> Halt {
        let kept = "Nothing of this table was kept; finished tables stay."
        var halt = Halt(
            .target, "Table \(table.table.name) cannot be copied: \(error.withoutValues).",
            advice: "\(kept) Start again.")
        halt.broken = error.server?.brokenRule.map {
            .init(rule: $0, wayOn: "\(kept) Start again after that.")
        }
        return halt
    }

    private func send(_ table: Table, to target: Session) throws {
        let reader = try BaseFileReader(path(table))
        var pieces = 0
        while let piece = try reader.next() {
            try piece.withUnsafeBytes { try target.putCopyData($0) }
            FailPoint.tableHalfCopied.reached()
            pieces += 1
            guard pieces.isMultiple(of: 8) else { continue }
            // The file may be longer than its manifest says.
            let share = min(1, Double(reader.bytes) / Double(max(table.file.bytes, 1)))
            status.updateCopy(of: table.table.name) { copy in
                copy.rows = Int(share * Double(table.file.rows))
                copy.bytes = reader.bytes
            }
        }
        guard reader.bytes == table.file.bytes, reader.checksum == table.file.crc32c else {
            try target.abandonCopyIn()
            throw damaged(table, "another checksum or length")
        }
        status.updateCopy(of: table.table.name) { copy in
            copy.rows = table.file.rows
            copy.bytes = table.file.bytes
        }
    }

    private func check(_ table: Table) throws {
        do {
            let reader = try BaseFileReader(path(table))
            while try reader.next() != nil {}
            guard reader.bytes == table.file.bytes, reader.checksum == table.file.crc32c else {
                throw damaged(table, "another checksum or length")
            }
        } catch let error as ArchiveError {
            throw Halt(error, archive: configuration.archive)
        }
    }

    private func path(_ table: Table) -> String {
        ArchiveFolder(configuration.archive).basePath(base.lsn) + "/" + table.file.file
    }

    private func damaged(_ table: Table, _ what: String) -> Halt {
        let error = ArchiveError(.damagedBase(file: table.file.file, base.lsn, what))
        return Halt(
            .source, "Archive \(configuration.archive) is damaged: \(error).",
            advice: "Nothing of it was kept. Begin anew from another base: --rewind --from-base.")
    }
}
