internal import LeatCatalogs
internal import LeatCore
internal import PGClient

// Whether a stream runs, and what it waits for, or why it does not.

extension StreamReport {
    /// Looks at what does not stand in the row of an earlier version, or not for every role.
    func withRunning(_ session: PGClient.Session) throws -> StreamReport {
        var report = self
        report.halt = isRunning ? nil : try StreamReport.halt(on: session, of: stream)
        report.session = isRunning ? try StreamReport.session(on: session, of: stream) : nil
        if isRunning, let name = StreamName(stream) {
            report.live = try LiveReport.asked(of: name, session)
        }
        return report
    }

    /// As JSON, because an older `leat.progress` lacks the columns.
    private static func halt(on session: PGClient.Session, of stream: String) throws -> Halt? {
        let row = try session.query(
            """
            select \(SQLTime.rfc3339("(r.r ->> 'halted_at')::timestamptz")) as at,
              r.r ->> 'halt_code' as code, r.r ->> 'halt_message' as message,
              r.r ->> 'halt_advice' as advice
            from leat.progress p, pg_catalog.to_jsonb(p) as r (r) where p.stream = $1
            """, with: [stream]
        ).firstRecord
        guard let row, let at = try row.optionalText("at") else { return nil }
        return Halt(
            at: at, exitCode: try row.int("code"), message: try row.text("message"),
            advice: try row.optionalText("advice"))
    }

    private static func session(on session: PGClient.Session, of stream: String) throws -> Session?
    {
        let row = try session.query(
            """
            \(AdvisoryKey.stream.holders(
                of: "$1", selecting: """
                    a.state,
                      greatest(extract(epoch from pg_catalog.clock_timestamp()
                        - coalesce(a.state_change, a.backend_start)), 0)::pg_catalog.int8
                        as seconds,
                      a.wait_event_type || ': ' || a.wait_event as waits_for
                    """))
            """, with: [stream]
        ).firstRecord
        // What a role may not see of others is NULL.
        guard let row, let state = try row.optionalText("state") else { return nil }
        return Session(
            state: state, seconds: try row.int("seconds"),
            waitsFor: try row.optionalText("waits_for"))
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
