internal import LeatCore
internal import PGClient

// Whether a stream runs, and what it waits for, or why it does not.

extension StreamReport {
    /// Looks at what does not stand in the row of an earlier version, or not for every role.
    func withRunning(_ session: PGClient.Session) throws -> StreamReport {
        var report = self
        report.halt = isRunning ? nil : try StreamReport.halt(session, stream)
        report.session = isRunning ? try StreamReport.session(session, stream) : nil
        return report
    }

    /// As JSON, because an older `leat.progress` lacks the columns.
    private static func halt(_ session: PGClient.Session, _ stream: String) throws -> Halt? {
        let row = try session.query(
            """
            select \(SQLTime.rfc3339("(r.r ->> 'halted_at')::timestamptz")), r.r ->> 'halt_code',
              r.r ->> 'halt_message', r.r ->> 'halt_advice'
            from leat.progress p, pg_catalog.to_jsonb(p) as r (r) where p.stream = $1
            """, [stream]
        ).rows.first
        guard let row, let at = row[0], let code = row[1].flatMap(Int.init), let message = row[2]
        else { return nil }
        return Halt(at: at, exitCode: code, message: message, advice: row[3])
    }

    private static func session(_ session: PGClient.Session, _ stream: String) throws -> Session? {
        let row = try session.query(
            """
            \(AdvisoryKey.stream.holders(
                of: "$1", selecting: """
                    a.state,
                      extract(epoch from pg_catalog.clock_timestamp() - a.state_change)
                        ::pg_catalog.int8,
                      a.wait_event_type || ': ' || a.wait_event
                    """))
            """, [stream]
        ).rows.first
        guard let row, let state = row[0] else { return nil }
        return Session(
            state: state, seconds: row[1].flatMap(Int.init).map { max($0, 0) } ?? 0,
            waitsFor: row[2])
    }

    /// Also with what was noted on this machine, because the target was away.
    ///
    /// - Parameter stateDirectory: Of the stream.
    public func withLocalHalt(stateDirectory: String) -> StreamReport {
        guard !isRunning, halt == nil else { return self }
        var report = self
        report.halt = LocalHaltNote(stateDirectory: stateDirectory).read()
        return report
    }
}
