internal import CLibpq

/// The settings that shape the text of values or what statements mean, and that a database or
/// role could change under us. They are set and read back on every connection.
public enum SessionSettings {
    /// What every session has set, by name.
    public static var values: [String: String] {
        Dictionary(uniqueKeysWithValues: required.map { ($0.name, $0.value) })
    }

    /// Compared as printed by `pg_settings`.
    static let required: [(name: String, value: String)] = [
        ("datestyle", "ISO, MDY"),
        ("intervalstyle", "postgres"),
        ("extra_float_digits", "3"),
        ("bytea_output", "hex"),
        ("timezone", "UTC"),
        ("lc_monetary", "C"),
        ("xmloption", "content"),
        ("search_path", "\"\""),
        ("row_security", "off"),
        ("default_transaction_read_only", "off"),
        ("statement_timeout", "0"),
        ("lock_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        // 14 and newer.
        ("idle_session_timeout", "0"),
        // 17 and newer.
        ("transaction_timeout", "0"),
        ("client_min_messages", "warning"),
        // Else an error's context quotes all parameters. 13 and newer.
        ("log_parameter_max_length_on_error", "0"),
        // Off, NULL in an array would be a string.
        ("array_nulls", "on"),
        // Off, a backslash in a literal would escape.
        ("standard_conforming_strings", "on"),
        // On, the catalogs print definitions that differ from the other side's.
        ("quote_all_identifiers", "off"),
        // Below it, two statements of a transaction see the same rows for ever.
        ("default_transaction_isolation", "read committed"),
        ("exit_on_error", "off"),
    ]
}

extension Session {
    /// Whether something between us and the server gives the session away: the process that
    /// answers is not the one that the connection began with.
    func isPooled() throws(ConnectionError) -> Bool {
        try execute("select pg_catalog.pg_backend_pid()").text() != "\(backend)"
    }

    /// The process that serves the session.
    public var backend: Int32 { PQbackendPID(connection) }

    /// The server's version, as in `server_version_num`: 150018 for 15.18.
    public var serverVersion: Int { Int(PQserverVersion(connection)) }

    /// Whether a transaction was begun and has not ended.
    public var isInTransaction: Bool { PQtransactionStatus(connection) != PQTRANS_IDLE }

    /// Sets ``SessionSettings`` and the client encoding, and checks that they took effect.
    ///
    /// - Parameter clientEncoding: The same on both sides: what the source sends is what the
    ///   target takes.
    public func applySettings(clientEncoding: String) throws(ConnectionError) {
        // First of all: another operator or function could come first in the path that the role
        // brings along, and would run with our rights.
        // And a timeout of the role's could end what follows.
        try execute(
            """
            select pg_catalog.set_config('search_path', '', false),
              pg_catalog.set_config('statement_timeout', '0', false)
            """)
        let settings = SessionSettings.required + [("client_encoding", clientEncoding)]
        let known = Set(
            try execute(
                """
                select name from pg_catalog.pg_settings
                where lower(name) in (\(Session.names(settings)))
                """
            ).texts().map { $0.lowercased() })
        let wanted = settings.filter { known.contains($0.name) }
        let calls = wanted.map { setting in
            let value = setting.value == "\"\"" ? "" : setting.value
            return "pg_catalog.set_config('\(setting.name)', '\(value)', false)"
        }
        try execute("select \(calls.joined(separator: ", "))")
        try check(wanted)
    }

    private func check(
        _ wanted: [(name: String, value: String)]
    ) throws(ConnectionError) {
        var actual: [String: String] = [:]
        for row in try execute(
            """
            select lower(name) as name, setting from pg_catalog.pg_settings
            where lower(name) in (\(Session.names(wanted)))
            """
        ).records { actual[try row.text("name")] = try row.text("setting") }
        for setting in wanted where !Session.equal(actual[setting.name], setting.value) {
            throw failure(
                .unexpectedAnswer, attempting: "set \(setting.name)",
                message: "it is \(actual[setting.name] ?? "unknown") instead of \(setting.value)")
        }
    }

    private static func equal(_ actual: String?, _ wanted: String) -> Bool {
        guard let actual else { return false }
        return actual == wanted || (wanted == "\"\"" && actual.isEmpty)
    }

    private static func names(_ settings: [(name: String, value: String)]) -> String {
        settings.map { "'\($0.name)'" }.joined(separator: ", ")
    }
}
