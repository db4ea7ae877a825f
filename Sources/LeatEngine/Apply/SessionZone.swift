internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// The time zone of sessions that write to the target.
///
/// What the source sends of a moment says its offset; a `timestamp` or `date` says none, and where
/// the target's column is a `timestamptz` the session's zone says which moment it is. In order of
/// precedence: what was asked for; what the stream has begun with (`leat.progress.zone`), so that a
/// setting which changes later does not make the same value another moment; and what the target
/// gives the role's sessions, as it would its own subscription's.
struct SessionZone {
    let assumed: String?
    let stream: StreamName

    func set(_ session: Session) throws {
        try set(try assumed ?? stored(session) ?? configured(session), on: session)
    }

    private func set(_ zone: String, on session: Session) throws {
        do {
            try session.query("select pg_catalog.set_config('timezone', $1, false)", with: [zone])
        } catch {
            guard error.sqlState == .invalidParameterValue else { throw error }
            throw Halt(
                .configuration, "\"\(zone)\" is no time zone that the target knows.",
                advice: "--assume-zone takes a name such as Europe/Berlin: see pg_timezone_names.")
        }
    }

    private func stored(_ session: Session) throws -> String? {
        guard try LeatSchema.isPresent("leat.progress", on: session) else { return nil }
        return try session.query(
            """
            select pg_catalog.to_jsonb(progress) ->> 'zone' as zone from leat.progress where stream = $1
            """, with: [stream.text]
        ).firstRecord?.optionalText("zone")
    }

    /// From the configuration, the database, the role, or the connection string.
    private func configured(_ session: Session) throws -> String {
        try session.query(
            "select reset_val from pg_catalog.pg_settings where lower(name) = 'timezone'"
        ).text()
    }
}
