import LeatCatalogs
import LeatCore
import LeatEngine
import LeatFlow
import PGClient
import PGWire

/// Moves a position in `leat.progress` again and again, as every target transaction does, to see
/// what it costs while an old snapshot on the target keeps all versions of the row alive.
struct PositionUpdates {
    /// Where the row is, and what it holds.
    private struct Position {
        var end: LSN
        var ctid: String
    }

    private let target: Conninfo
    private let stream: StreamName

    init(target: Conninfo, stream: StreamName) {
        self.target = target
        self.stream = stream
    }

    /// - Parameters:
    ///   - byKey: Finds the row by the stream's name instead of its place.
    ///   - holdsSnapshot: Whether another session holds a snapshot from before the first update.
    /// - Returns: What an update took in each of the windows, asynchronous commit included.
    func run(
        windows: Int, updates: Int, byKey: Bool, holdsSnapshot: Bool
    ) throws -> [Duration] {
        let session = try open()
        defer { session.close() }
        try LeatSchema.ensure(session)
        try delete(session)
        try insert(session)
        let reader = try open()
        defer { reader.close() }
        if holdsSnapshot {
            try reader.execute("begin isolation level repeatable read; table leat.progress")
        }
        try session.execute("set synchronous_commit = off")
        let clock = ContinuousClock()
        var row = Position(end: .zero, ctid: try place(session))
        var times: [Duration] = []
        for _ in 0..<windows {
            times.append(
                try clock.measure {
                    for _ in 0..<updates { try move(on: session, row: &row, byKey: byKey) }
                } / updates)
        }
        try reader.execute("rollback")
        try delete(session)
        return times
    }

    private func open() throws -> Session {
        let session = try Session(
            target, options: .init(peer: .target, applicationName: "leat_bench"),
            interrupt: Interrupt())
        try session.prepare()
        return session
    }

    private func delete(_ session: Session) throws {
        try session.query("delete from leat.progress where stream = $1", with: [stream.text])
    }

    private func insert(_ session: Session) throws {
        try session.query(
            """
            insert into leat.progress (stream, state, end_lsn, slot, owns_slot, publications,
              publication_oids, owns_publication, source_system_identifier, source_database,
              source_timeline, target_system_identifier, target_database, format, encoding)
            values ($1, 'streaming', '0/0', '', false, '{}', '{}', false, '', '', 1, '', '', 'text',
              'UTF8')
            """, with: [stream.text])
    }

    private func place(_ session: Session) throws -> String {
        try session.query("select ctid from leat.progress where stream = $1", with: [stream.text])
            .onlyRecord().text("ctid")
    }

    private func move(
        on session: Session, row: inout Position, byKey: Bool
    ) throws {
        let next = LSN(rawValue: row.end.rawValue + 1)
        try session.execute("begin")
        if byKey {
            try session.query(
                """
                update leat.progress set end_lsn = $1::pg_catalog.pg_lsn,
                  updated_at = pg_catalog.clock_timestamp()
                where stream = $2 and end_lsn = $3::pg_catalog.pg_lsn
                """, with: ["\(next)", stream.text, "\(row.end)"])
        } else {
            let moved = try session.query(
                ProgressStore.compareAndSet,
                with: ["\(next)", "0", row.ctid, "\(row.end)", stream.text, "\(next) 742 0"]
            ).firstRecord?.text("ctid")
            guard let moved else { throw Restart(reason: "somebody else has moved the position") }
            row.ctid = moved
        }
        try session.execute("commit")
        row.end = next
    }
}
