internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// Copies tables from a source to a target, on one thread with a session on each side.
///
/// The steps, and what a crash leaves, are those of ``CopyTarget``.
actor TableCopier: SessionActor, TableWorker {
    private nonisolated let executor = ConnectionExecutor(label: "leat.copy")
    nonisolated let interrupt = Interrupt()
    private let copy: InitialCopy
    private let snapshot: CopySnapshot
    private let worker: CopyTarget.Worker
    private var source: Session?
    private var target: CopyTarget?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    init(_ worker: CopyTarget.Worker, of copy: InitialCopy, under snapshot: CopySnapshot) {
        self.worker = worker
        self.copy = copy
        self.snapshot = snapshot
    }

    private var status: JobStatus { copy.status }

    func connect() async throws {
        try await cancellable {
            let configuration = copy.configuration
            let silence = Silence.telling(copy.logger, limit: configuration.answerTimeout)
            source = try .reading(
                configuration.reading, under: snapshot.name, clientEncoding: copy.clientEncoding,
                silence: silence, interrupt: interrupt)
            target = try CopyTarget(
                configuration, of: worker, clientEncoding: copy.clientEncoding,
                needsOrigin: configuration.origin == .none, silence: silence,
                interrupt: interrupt)
        }
    }

    func finish() async throws {
        try await cancellable { try target?.finish() }
    }

    func close() {
        source?.close()
        target?.session.close()
        source = nil
        target = nil
    }

    /// - Returns: `left` if the snapshot does not show the table any more, `putBack` if somebody
    ///   waited for its lock.
    func work(on table: SourceTable) async throws -> TableOutcome<Void> {
        try await cancellable {
            guard let source, let target else { preconditionFailure("the copier is not connected") }
            guard try source.lock(table) else { return .left }
            snapshot.locks.begin(table.name, by: source.backend)
            do {
                try relay(table, from: source, to: target)
            } catch let error as ConnectionError where error.isRefused(by: .source) {
                if snapshot.locks.end(by: source.backend), error.sqlState == .queryCanceled {
                    try source.releaseLocks()
                    return .putBack
                }
                guard try !source.isGone(error) else { return .left }
                throw TableCopier.refused(table.name, error: error)
            }
            _ = snapshot.locks.end(by: source.backend)
            status.updateCopy(of: table.name) { $0.isDone = true }
            FailPoint.tableCopied.reached()
            return .done(())
        }
    }

    private func relay(
        _ table: SourceTable, from source: Session, to target: CopyTarget
    ) throws {
        let isCopied = try target.copy(
            table.route, at: snapshot.point, columns: table.columns, masks: table.masks
        ) {
            let rows = try relayRows(of: table, from: source, to: target.session)
            if table.isPartitioned {
                try PartitionStore(session: target.session, stream: worker.stream)
                    .begin(table.relation.id, named: table.name, with: table.partitions)
            }
            return rows
        }
        if !isCopied { try source.releaseLocks() }
    }

    /// Byte for byte, unless columns are masked: both sessions have the same client encoding.
    private func relayRows(
        of table: SourceTable, from source: Session, to target: Session
    ) throws -> Int {
        let columns = table.relation.columns.map {
            SQLText.identifier(table.route.column($0.name))
        }
        let list = columns.isEmpty ? "" : " (\(columns.joined(separator: ", ")))"
        let form = table.copiesInBinary ? " (format binary)" : ""
        do {
            try source.beginCopyOut("copy (\(table.copyQuery)) to stdout\(form)")
            try target.beginCopyIn("copy \(table.target.quoted)\(list) from stdin\(form)")
            do {
                if let masks = table.rowMasks {
                    try relayMasked(table, by: masks, from: source, to: target)
                } else {
                    try relayBytes(of: table.name, from: source, to: target)
                }
            } catch let error as ConnectionError where error.isRefused(by: .source) {
                try target.abandonCopyIn()
                throw error
            }
            // Whatever the target still has to do.
            try source.releaseLocks()
            let rows = try target.endCopyIn()
            // In binary form, what came before and behind the rows was counted too.
            status.updateCopy(of: table.name) { $0.rows = rows }
            return rows
        } catch let error as ConnectionError where error.isRefused(by: .target) {
            throw TableCopier.refused(table.name, error: error)
        }
    }

    private func relayBytes(
        of table: TableName, from source: Session, to target: Session
    ) throws {
        var (rows, bytes) = (0, 0)
        while try source.nextCopyData({ payload throws(ConnectionError) in
            rows += 1
            bytes += payload.count
            try target.putCopyData(payload)
        }) {
            guard rows.isMultiple(of: 2048) else { continue }
            report(table, rows: rows, bytes: bytes)
            FailPoint.tableHalfCopied.reached()
        }
        report(table, rows: rows, bytes: bytes)
    }

    private func relayMasked(
        _ table: SourceTable, by masks: RowMasks, from source: Session, to target: Session
    ) throws {
        var copy = MaskedCopy(masks, columns: table.columns.count)
        var failure: MaskedCopy.Failure?
        var (rows, bytes) = (0, 0)
        while try source.nextCopyData({ payload throws(ConnectionError) in
            rows += 1
            bytes += payload.count
            // The copy must be read to its end, or the session is of no more use: it is closed.
            guard failure == nil else { return }
            do throws(MaskedCopy.Failure) { try copy.append(payload) } catch { failure = error }
        }) {
            if let failure { throw failure.halt(table.name, columns: table.columns.map(\.name)) }
            try copy.send { bytes throws(ConnectionError) in try target.putCopyData(bytes) }
            guard rows.isMultiple(of: 2048) else { continue }
            report(table.name, rows: rows, bytes: bytes)
            FailPoint.tableHalfCopied.reached()
        }
        do throws(MaskedCopy.Failure) { try copy.finish() } catch {
            throw error.halt(table.name, columns: table.columns.map(\.name))
        }
        try copy.send(isLast: true) { bytes throws(ConnectionError) in
            try target.putCopyData(bytes)
        }
        report(table.name, rows: rows, bytes: bytes)
    }

    private func report(_ table: TableName, rows: Int, bytes: Int) {
        status.updateCopy(of: table) { copy in
            copy.rows = rows
            copy.bytes = bytes
        }
    }

    /// Only a role that checks foreign keys sees it.
    private static let missingParents = """
        The rows that it refers to are not on the target: their table is not followed, or was \
        copied at an earlier moment, before a crash or before this table joined the stream. Drop \
        the foreign key until the stream has caught up, or use --role replica.
        """

    private static func refused(_ table: TableName, error: ConnectionError) -> any Error {
        if let state = error.sqlState, Transient.isTransient(sqlState: state) { return error }
        var halt = Halt(
            error.peer == .source ? .source : .target,
            "Table \(table) cannot be copied: \(error.withoutValues).",
            advice: error.sqlState == .foreignKeyViolation
                ? TableCopier.missingParents
                : """
                Nothing of this table was kept; finished tables stay. Mend it, or leave the table \
                out with --exclude, and start again.
                """)
        halt.broken = error.server?.brokenRule.map { rule in
            .init(
                rule: rule,
                wayOn:
                    "Nothing of this table was kept; finished tables stay. Start again after that.")
        }
        halt.lacksPartition = error.sqlState == .checkViolation && halt.broken == nil
        return halt
    }
}

extension ConnectionError {
    fileprivate func isRefused(by peer: Peer) -> Bool { code == .server && self.peer == peer }
}
