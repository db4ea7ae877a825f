internal import CLibpq

/// A connection string: any libpq URI or `key=value` text, checked, and printed without secrets.
///
/// Source: "Connection Strings" in the PostgreSQL manual.
public struct Conninfo: Sendable, Equatable {
    private let values: [String: String]

    /// - Throws: ``ConnectionError`` with code `invalidConninfo`. libpq's own message is not
    ///   passed on, for it quotes the text that it could not read.
    public init(_ text: String) throws(ConnectionError) {
        guard let options = PQconninfoParse(text, nil) else {
            throw Conninfo.invalid("it is neither a libpq URI nor key=value text")
        }
        defer { PQconninfoFree(options) }
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                values[String(cString: keyword)] = String(cString: value)
            }
            option += 1
        }
        self.values = values
        try checkNamesItsServer()
        // Ours to say, connection by connection.
        guard values["replication"] == nil else {
            throw Conninfo.invalid("it sets replication, which is left to Leat")
        }
    }

    /// Some connections are for replication and some are not. One `PGHOST` for two sides is a trap: each side says itself where it is.
    private func checkNamesItsServer() throws(ConnectionError) {
        guard values["replication"] == nil else {
            throw Conninfo.invalid("it sets replication, which is for Leat to set")
        }
        guard values["service"] == nil else { return }
        guard values["host"] ?? values["hostaddr"] != nil else {
            throw Conninfo.invalid("it names no host (or service)")
        }
        guard values["dbname"] != nil else {
            throw Conninfo.invalid("it names no database (dbname) (or service)")
        }
    }

    private static func invalid(_ reason: String) -> ConnectionError {
        ConnectionError(
            .invalidConninfo, attempted: "use the connection string", endpoint: "(not connected)",
            message: reason)
    }

    public subscript(keyword: String) -> String? { values[keyword] }

    /// As a conninfo that another program takes; the password is not in it.
    public var textWithoutPassword: String {
        values.filter { $0.key != "password" }.sorted { $0.key < $1.key }
            .map { "\($0.key)='\(Conninfo.escaped($0.value))'" }.joined(separator: " ")
    }

    /// By scalars: a quote before a combining mark is another `Character`.
    private static func escaped(_ value: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in value.unicodeScalars {
            if scalar == "'" || scalar == "\\" { escaped.append("\\") }
            escaped.append(scalar)
        }
        return String(escaped)
    }

    /// The same for a command that is printed: without anything secret, and with quotes only where
    /// they are needed.
    public var printable: String {
        values.filter { !Conninfo.secrets.contains($0.key) }.sorted { $0.key < $1.key }
            .map { key, value in
                let isPlain = !value.isEmpty && !value.contains { " '\\".contains($0) }
                return "\(key)=\(isPlain ? value : "'\(Conninfo.escaped(value))'")"
            }.joined(separator: " ")
    }

    private static let secrets: Set = [
        "password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key",
    ]

    public var hasPassword: Bool { values["password"] != nil }

    /// `connect_timeout`, which libpq itself does not heed in its asynchronous interface.
    var connectTimeout: Duration? {
        guard let text = values["connect_timeout"], let seconds = Int(text), seconds > 0 else {
            return nil
        }
        return .seconds(seconds)
    }

    /// Host, port, database and user: what may be printed.
    public var redacted: String {
        ["service", "host", "hostaddr", "port", "dbname", "user"]
            .compactMap { key in values[key].map { "\(key)=\($0)" } }
            .joined(separator: " ")
    }

    /// The parameters for `PQconnectStartParams`, with ours laid over what the user gave.
    func parameters(overriding ours: [String: String]) -> [String: String] {
        values.merging(ours) { _, our in our }
    }
}

extension Conninfo: CustomStringConvertible {
    public var description: String { redacted }
}
