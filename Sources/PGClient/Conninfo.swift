internal import CLibpq

/// A connection string: any libpq URI or `key=value` text, checked, and printed without secrets.
///
/// Source: "Connection Strings" in the PostgreSQL manual.
public struct Conninfo: Sendable, Equatable {
    private let values: [String: String]

    /// - Throws: ``ConnectionError`` with code `invalidConninfo`. libpq's own message is not
    ///   passed on, for it quotes the text that it could not read.
    public init(_ text: String) throws(ConnectionError) {
        guard !Conninfo.splitsPassword(text) else {
            throw Conninfo.invalid(
                "an @ or / in its password is not escaped: in a URI @ is %40, / is %2F, : is %3A and "
                    + "% is %25")
        }
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
    }

    /// Some connections are for replication and some are not. One `PGHOST` for two sides is a trap: each side says itself where it is.
    private func checkNamesItsServer() throws(ConnectionError) {
        guard values["replication"] == nil else {
            throw Conninfo.invalid("it sets replication, which is for Leat to set")
        }
        try checkPlaces()
        guard values["service"] == nil else { return }
        guard values["host"] ?? values["hostaddr"] != nil else {
            throw Conninfo.invalid("it names no host (or service)")
        }
        guard values["dbname"] != nil else {
            throw Conninfo.invalid("it names no database (dbname) (or service)")
        }
    }

    /// libpq takes an unescaped `@` for the end of the password, and what comes before an unescaped
    /// `/` for host and port: the rest of the password would be shown as a host or a database.
    private static func splitsPassword(_ text: String) -> Bool {
        guard let scheme = ["postgresql://", "postgres://"].first(where: text.hasPrefix) else {
            return false
        }
        var rest = text.unicodeScalars.dropFirst(scheme.unicodeScalars.count)
        if let end = rest.firstIndex(where: { $0 == "@" || $0 == "/" }), rest[end] == "@" {
            rest = rest[rest.index(after: end)...]
        }
        return rest.prefix { $0 != "?" }.contains("@")
    }

    /// What stands where a name is expected would be printed: part of a password that was read as a
    /// port, a whole connection string that was given as a database or a host.
    private func checkPlaces() throws(ConnectionError) {
        guard (values["port"] ?? "").utf8.allSatisfy({ "0123456789,".utf8.contains($0) }) else {
            throw Conninfo.invalid("its port is no number")
        }
        for key in ["host", "hostaddr", "dbname", "user", "service"] {
            guard let value = values[key] else { continue }
            guard !value.hasPrefix("postgres://"), !value.hasPrefix("postgresql://") else {
                throw Conninfo.invalid("its \(key) is another connection string")
            }
        }
    }

    private static func invalid(_ reason: String) -> ConnectionError {
        ConnectionError(
            .invalidConninfo, attempted: "use the connection string", endpoint: "(not connected)",
            message: reason)
    }

    /// The value of a keyword, such as `dbname`; nil where it was not given.
    public subscript(keyword: String) -> String? { values[keyword] }

    /// By scalars: a quote before a combining mark is another `Character`.
    private static func escaped(_ value: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in value.unicodeScalars {
            if scalar == "'" || scalar == "\\" { escaped.append("\\") }
            escaped.append(scalar)
        }
        return String(escaped)
    }

    /// As a conninfo that another program takes, on a command line or in a command that is printed:
    /// without anything secret, and with quotes only where they are needed.
    public var printable: String {
        values.filter { !Conninfo.secrets.contains($0.key) }.sorted { $0.key < $1.key }
            .map(Conninfo.setting).joined(separator: " ")
    }

    /// `key=value`, as it stands in a connection string.
    public static func setting(_ key: String, to value: String) -> String {
        let isPlain =
            !value.isEmpty
            && !value.unicodeScalars.contains { scalar in
                scalar == "'" || scalar == "\\" || scalar.properties.isWhitespace
            }
        return "\(key)=\(isPlain ? value : "'\(escaped(value))'")"
    }

    private static let secrets: Set = [
        "password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key",
    ]

    /// For a sentence about ``secretServiceLines``.
    public static let secretWords = "sslpassword (or another secret besides the password)"

    /// What is secret besides the password, for a service file: libpq has no variable for it.
    ///
    /// - Returns: Nil if a line of such a file cannot hold it.
    public var secretServiceLines: [String]? {
        let found = values.filter { Conninfo.secrets.contains($0.key) && $0.key != "password" }
        let fits = found.values.allSatisfy { value in
            value.utf8.count < 200
                && !value.unicodeScalars.contains { "\n\r".unicodeScalars.contains($0) }
                && value.unicodeScalars.last?.properties.isWhitespace != true
        }
        return fits ? found.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } : nil
    }

    /// A password on a command line is seen by everyone on the machine.
    public var hasSecret: Bool { values.keys.contains(where: Conninfo.secrets.contains) }

    /// A password was given in the text, which is shown nowhere.
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

    /// One for each host, in the order in which they are tried.
    ///
    /// libpq goes through the hosts by itself, but its asynchronous interface gives none of them a
    /// time: one that is silent would stand in the way of the others.
    var hosts: [Conninfo] {
        let (names, addresses) = (list("host"), list("hostaddr"))
        let ports = list("port")
        let count = max(names.count, addresses.count)
        // Lists of different lengths are for libpq to refuse.
        guard count > 1, [names, addresses].allSatisfy({ [0, count].contains($0.count) }),
            [0, 1, count].contains(ports.count)
        else { return [self] }
        var hosts = (0..<count).map { index in
            let own = [
                "host": names.dropFirst(index).first, "hostaddr": addresses.dropFirst(index).first,
                "port": ports.count == 1 ? ports.first : ports.dropFirst(index).first,
            ].compactMapValues { $0 }
            return Conninfo(
                values.merging(own) { _, own in own }.filter { key, value in
                    // An empty element stands for the default.
                    own[key] == nil || !value.isEmpty
                })
        }
        if values["load_balance_hosts"] == "random" { hosts.shuffle() }
        guard values["target_session_attrs"] == "prefer-standby" else { return hosts }
        return hosts.map { $0.wanting("standby") } + hosts.map { $0.wanting("any") }
    }

    private init(_ values: [String: String]) {
        self.values = values
    }

    private func list(_ key: String) -> [String] {
        guard let text = values[key] else { return [] }
        return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    private func wanting(_ session: String) -> Conninfo {
        Conninfo(values.merging(["target_session_attrs": session]) { _, new in new })
    }

    /// The parameters for `PQconnectStartParams`, with ours laid over what the user gave.
    func parameters(overriding ours: [String: String]) -> [String: String] {
        values.merging(ours) { _, our in our }
    }
}

extension Conninfo: CustomStringConvertible {
    /// Without secrets.
    public var description: String { redacted }
}
