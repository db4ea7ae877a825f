internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// Copies tables, one at a time, on one thread with a session on each side.
///
/// For each table, in order:
///
/// 1. `leat.tables`: state `datasync` with this attempt's name, committed.
///    After a crash: no row is there; the table is copied again.
/// 2. `begin`, COPY from the snapshot into the table, state `ready` with the snapshot's LSN,
///    provided that the attempt is still ours, `commit`.
///    After a crash before the commit: as above. After it: all rows are there, once.
actor TableCopier: SessionActor, Closable {
    private nonisolated let executor = ConnectionExecutor(label: "leat.copy")
    nonisolated let interrupt = Interrupt()
    private let configuration: SyncConfiguration
    private let status: JobStatus
    private let attempt: String
    private let silence: Silence
    private var source: Session?
    private var target: Session?
    private let number: Int
    private var originMark: OriginMark?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    init(
        _ configuration: SyncConfiguration, number: Int, status: JobStatus, attempt: String,
        silence: Silence
    ) {
        self.configuration = configuration
        self.number = number
        self.status = status
        self.attempt = attempt
        self.silence = silence
    }

    func connect(snapshot: String, clientEncoding: String) async throws {
        try await cancellable {
            let name = configuration.stream.objectName
            let source = try Session(
                configuration.source,
                options: .init(peer: .source, applicationName: name, silence: silence),
                interrupt: interrupt)
            try source.prepare(clientEncoding: clientEncoding)
            try source.execute("begin isolation level repeatable read read only")
            try source.execute("set transaction snapshot \(SQLText.literal(snapshot))")
            self.source = source
            let target = try Session(
                configuration.target,
                options: .init(peer: .target, applicationName: name, silence: silence),
                interrupt: interrupt)
            try target.prepare(clientEncoding: clientEncoding)
            _ = try ApplySession.configure(target, configuration.role)
            try SessionZone(assumed: configuration.assumedZone, stream: configuration.stream)
                .set(target)
            self.target = target
            try markOrigin(target)
        }
    }

    /// A stream that leaves the target again must not send the rows back as new ones. The
    /// server has few places for origins; without one the copy is still right.
    private func markOrigin(_ target: Session) throws {
        let mark = OriginMark(
            session: target, stream: configuration.stream, part: .worker(number))
        let state = try mark.setUp()
        if configuration.origin == .none { try OriginMark.require(state) }
        if state == .set { originMark = mark }
    }

    /// The last table is copied. After a failure the origin stays, for the next attempt's worker
    /// of this number, or for cleanup.
    func finish() async throws {
        try await cancellable {
            try originMark?.end()
            originMark = nil
        }
    }

    func close() {
        source?.close()
        target?.close()
        source = nil
        target = nil
        originMark = nil
    }

    /// What became of a table.
    enum Ending {
        case done
        /// The snapshot does not show it any more.
        case altered
        /// Somebody waited for its lock. Nothing of it was kept.
        case yielded
    }

    func copy(
        _ table: SourceTable, snapshot: LSN, _ locks: CopyLocks
    ) async throws -> Ending {
        try await cancellable {
            guard let source, let target else { preconditionFailure("the copier is not connected") }
            guard try source.lock(table) else { return .altered }
            locks.begin(table.name, by: source.backend)
            do {
                try copy(table, from: source, to: target, snapshot)
            } catch let error as ConnectionError where error.isRefused(by: .source) {
                // query_canceled
                if locks.end(by: source.backend), error.sqlState == .queryCanceled {
                    try source.releaseLocks()
                    return .yielded
                }
                guard try !source.isGone(error) else { return .altered }
                throw TableCopier.refused(table.name, error)
            }
            _ = locks.end(by: source.backend)
            status.updateCopy(of: table.name) { $0.isDone = true }
            FailPoint.tableCopied.reached()
            return .done
        }
    }

    private func copy(
        _ table: SourceTable, from source: Session, to target: Session, _ snapshot: LSN
    ) throws {
        let store = TableStore(session: target, stream: configuration.stream)
        guard try store.beginCopy(table.name, attempt: attempt) else {
            return try source.releaseLocks()
        }
        try target.transaction {
            let rows = try relay(table, from: source, to: target)
            guard
                try store.finishCopy(
                    table.name, attempt: attempt, snapshot: snapshot, rows: rows)
            else {
                throw Restart(reason: "another copy of table \(table.name) has begun")
            }
            guard table.isPartitioned else { return }
            try PartitionStore(session: target, stream: configuration.stream)
                .begin(table.relation.id, table.name, table.partitions)
        }
    }

    /// Byte for byte: both sessions have the same client encoding.
    private func relay(
        _ table: SourceTable, from source: Session, to target: Session
    ) throws -> Int {
        let columns = table.relation.columns.map { SQLText.identifier($0.name) }
        let list = columns.isEmpty ? "" : " (\(columns.joined(separator: ", ")))"
        let form = table.copiesInBinary ? " (format binary)" : ""
        do {
            try source.beginCopyOut("copy (\(table.copyQuery)) to stdout\(form)")
            try target.beginCopyIn("copy \(table.name.quoted)\(list) from stdin\(form)")
            do {
                try relayRows(table.name, from: source, to: target)
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
            throw TableCopier.refused(table.name, error)
        }
    }

    private func relayRows(
        _ table: TableName, from source: Session, to target: Session
    ) throws {
        var (rows, bytes) = (0, 0)
        while try source.nextCopyData({ payload throws(ConnectionError) in
            rows += 1
            bytes += payload.count
            try target.putCopyData(payload)
        }) {
            guard rows.isMultiple(of: 2048) else { continue }
            report(table, rows, bytes)
            FailPoint.tableHalfCopied.reached()
        }
        report(table, rows, bytes)
    }

    private func report(_ table: TableName, _ rows: Int, _ bytes: Int) {
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

    private static func refused(_ table: TableName, _ error: ConnectionError) -> any Error {
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
