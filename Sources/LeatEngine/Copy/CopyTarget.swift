internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// A worker's session on the target, into which it copies tables, one at a time.
///
/// For each table, in order:
///
/// 1. `leat.tables`: state `datasync` with this attempt's name, committed.
///    After a crash: no row is there; the table is copied again.
/// 2. `begin`, the rows, state `ready` with the snapshot's LSN, provided that the attempt is still
///    ours, which column is which, `commit`.
///    After a crash before the commit: as above. After it: all rows are there, once.
struct CopyTarget {
    let session: Session
    private let stream: StreamName
    private let attempt: String
    /// A stream that leaves the target again must not send the rows back as new ones. The
    /// server has few places for origins; without one the copy is still right.
    private var originMark: OriginMark?

    /// Who copies: the worker's number, and the name of the attempt that all of them share.
    struct Worker {
        var stream: StreamName
        var number: Int
        var attempt: String
    }

    init(
        _ configuration: some TargetConfiguration, of worker: Worker, clientEncoding: String,
        needsOrigin: Bool = false, silence: Silence? = nil, interrupt: Interrupt
    ) throws {
        (stream, attempt) = (worker.stream, worker.attempt)
        session = try Session(
            configuration.target,
            options: .init(
                peer: .target, applicationName: stream.objectName, silence: silence),
            interrupt: interrupt)
        do {
            try session.prepare(clientEncoding: clientEncoding)
            _ = try ApplySession.configure(session, as: configuration.applying.role)
            try SessionZone(assumed: configuration.applying.assumedZone, stream: stream).set(
                session)
            let mark = OriginMark(session: session, stream: stream, part: .worker(worker.number))
            let state = try mark.setUp()
            if needsOrigin { try OriginMark.require(state) }
            if state == .set { originMark = mark }
        } catch {
            session.close()
            throw error
        }
    }

    /// - Parameters:
    ///   - columns: What the source's table has in the snapshot.
    ///   - masks: With which its rows come.
    ///   - rows: Copies them, and says how many there were.
    /// - Returns: Whether it was copied: another attempt may have done so.
    func copy(
        _ route: TableRoute, at snapshot: LSN, columns: [SourceColumn], masks: StoredMasks,
        rows: () throws -> Int
    ) throws -> Bool {
        let table = route.source
        let store = TableStore(session: session, stream: stream)
        guard try store.beginCopy(table, attempt: attempt) else { return false }
        try session.transaction {
            let rows = try rows()
            guard
                try store.finishCopy(table, attempt: attempt, snapshot: snapshot, rows: rows)
            else { throw Restart(reason: "another copy of table \(table) has begun") }
            try store.learnColumns([route: columns])
            try store.keep([table: masks])
        }
        return true
    }

    /// The last table is copied. After a failure the origin stays, for the next attempt's worker
    /// of this number, or for cleanup.
    mutating func finish() throws {
        try originMark?.end()
        originMark = nil
    }
}
