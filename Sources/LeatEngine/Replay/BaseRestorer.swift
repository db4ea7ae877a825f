internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// Copies a base's tables, on one thread with a session on the target.
///
/// The steps, and what a crash leaves, are those of ``CopyTarget``. What the file holds is
/// compared with the manifest before the transaction ends: a damaged one leaves nothing.
actor BaseRestorer: SessionActor, TableWorker {
    struct Table: TableItem {
        var route: TableRoute
        var columns: [SourceColumn]
        var masks: StoredMasks
        /// What becomes of its rows; nil: they are copied as they are.
        var rowMasks: RowMasks?
        var file: BaseManifest.Table

        var name: TableName { route.source }

        var sizeBytes: Int { file.bytes }
        var estimatedRows: Int { file.rows }
    }

    private nonisolated let executor = ConnectionExecutor(label: "leat.copy")
    nonisolated let interrupt = Interrupt()
    private let restore: BaseRestore
    private let worker: CopyTarget.Worker
    private var target: CopyTarget?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    init(_ worker: CopyTarget.Worker, of restore: BaseRestore) {
        self.worker = worker
        self.restore = restore
    }

    private var configuration: ReplayConfiguration { restore.configuration }
    private var base: BaseManifest { restore.base }
    private var status: JobStatus { restore.status }

    func connect() async throws {
        try await cancellable {
            target = try CopyTarget(
                configuration, of: worker, clientEncoding: base.description.encoding,
                interrupt: interrupt)
        }
    }

    func finish() async throws {
        try await cancellable { try target?.finish() }
    }

    func close() {
        target?.session.close()
        target = nil
    }

    func work(on table: Table) async throws -> TableOutcome<Void> {
        try await cancellable {
            guard let target else { preconditionFailure("the copier is not connected") }
            let isCopied = try target.copy(
                table.route, at: base.lsn, columns: table.columns, masks: table.masks
            ) {
                try copyRows(of: table, to: target.session)
            }
            guard isCopied else { return .done(()) }
            status.updateCopy(of: table.name) { $0.isDone = true }
            FailPoint.tableCopied.reached()
            return .done(())
        }
    }

    private func copyRows(of table: Table, to target: Session) throws -> Int {
        let list = table.file.columns.map { SQLText.identifier(table.route.column($0)) }
            .joined(separator: ", ")
        do {
            try target.beginCopyIn(
                "copy \(table.route.target.quoted)\(list.isEmpty ? "" : " (\(list))") from stdin")
            do { try send(table, to: target) } catch let error as ArchiveError {
                try target.abandonCopyIn()
                throw Halt(error, archive: configuration.archive)
            } catch let error as MaskedCopy.Failure {
                try target.abandonCopyIn()
                // What is no row any more comes before the end of the file says that it is damaged.
                try check(table)
                throw error.halt(table.name, columns: table.file.columns)
            }
            let rows = try target.endCopyIn()
            guard rows == table.file.rows else { throw damaged(table, by: "\(rows) rows") }
            return rows
        } catch let error as ConnectionError where error.code == .server {
            if let state = error.sqlState, Transient.isTransient(sqlState: state) { throw error }
            // What is no row any more fails before the end of the file says that it is damaged.
            try check(table)
            throw refused(table, error: error)
        }
    }

    private func refused(_ table: Table, error: ConnectionError) -> Halt {
        let kept = "Nothing of this table was kept; finished tables stay."
        var halt = Halt(
            .target, "Table \(table.name) cannot be copied: \(error.withoutValues).",
            advice: "\(kept) Start again.")
        halt.broken = error.server?.brokenRule.map {
            .init(rule: $0, wayOn: "\(kept) Start again after that.")
        }
        return halt
    }

    private func send(_ table: Table, to target: Session) throws {
        let reader = try BaseFileReader(path(table))
        var pieces = 0
        var masked = table.rowMasks.map { MaskedCopy($0, columns: table.file.columns.count) }
        while let piece = try reader.next() {
            if masked == nil {
                try piece.withUnsafeBytes { try target.putCopyData($0) }
            } else {
                try piece.withUnsafeBytes { try masked?.append($0) }
                try masked?.send { try target.putCopyData($0) }
            }
            FailPoint.tableHalfCopied.reached()
            pieces += 1
            guard pieces.isMultiple(of: 8) else { continue }
            // The file may be longer than its manifest says.
            let share = min(1, Double(reader.bytes) / Double(max(table.file.bytes, 1)))
            status.updateCopy(of: table.name) { copy in
                copy.rows = Int(share * Double(table.file.rows))
                copy.bytes = reader.bytes
            }
        }
        guard reader.bytes == table.file.bytes, reader.checksum == table.file.crc32c else {
            try target.abandonCopyIn()
            throw damaged(table, by: "another checksum or length")
        }
        try masked?.finish()
        try masked?.send(isLast: true) { try target.putCopyData($0) }
        status.updateCopy(of: table.name) { copy in
            copy.rows = table.file.rows
            copy.bytes = table.file.bytes
        }
    }

    private func check(_ table: Table) throws {
        do {
            let reader = try BaseFileReader(path(table))
            while try reader.next() != nil {}
            guard reader.bytes == table.file.bytes, reader.checksum == table.file.crc32c else {
                throw damaged(table, by: "another checksum or length")
            }
        } catch let error as ArchiveError {
            throw Halt(error, archive: configuration.archive)
        }
    }

    private func path(_ table: Table) -> String {
        ArchiveFolder(configuration.archive).basePath(base.lsn) + "/" + table.file.file
    }

    private func damaged(_ table: Table, by what: String) -> Halt {
        let error = ArchiveError(.damagedBase(file: table.file.file, base.lsn, what))
        return Halt(
            .source, "Archive \(configuration.archive) is damaged: \(error).",
            advice: "Nothing of it was kept. Begin anew from another base: --rewind --from-base.")
    }
}
