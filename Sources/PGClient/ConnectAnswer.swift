internal import PGWire

/// What libpq says of a connection that was not made, taken apart.
///
/// There is no SQLSTATE for it but in a verbose text, such as `connection to server at "h", port 1
/// failed: FATAL: 28P01: password authentication failed for user "joe" LOCATION: auth_failed,
/// auth.c:331`. The words may be in any language. There are several answers where a try without
/// TLS followed one with it; the last counts.
struct ConnectAnswer {
    private(set) var message: String
    /// Nil if no server has answered.
    private(set) var sqlState: SQLState?
    /// The server's function that has refused; nil likewise.
    private(set) var function: String?

    /// - Parameter text: Without line breaks.
    init(_ text: String) {
        // A severity has no digit in it.
        let state = #/: (?<state>(?=[A-Z]*[0-9])[0-9A-Z]{5}): /#
        // The word before it may be in any language, and is left out with it.
        let location = #/ [^ :]+: +(?<function>[A-Za-z_0-9]+), [a-z_0-9]+\.c:[0-9]+/#
        function = text.matches(of: location).last.map { String($0.output.function) }
        message = text.replacing(location, with: "")
        while let match = message.firstMatch(of: state) {
            sqlState = SQLState(rawValue: String(match.output.state))
            message.replaceSubrange(match.range, with: ": ")
        }
    }
}

/// What became of the hosts of a connection string.
struct ConnectFailures {
    private var errors: [ConnectionError] = []

    mutating func add(_ error: ConnectionError) {
        errors.append(error)
    }

    /// As libpq: a host that answers and refuses the role or the password speaks for all.
    var goOn: Bool {
        guard let last = errors.last else { return true }
        return switch last.code {
        case .timedOut: true
        // cannot_connect_now
        case .connectFailed: last.sqlState == nil || last.sqlState == .cannotConnectNow
        case .invalidConninfo, .lost, .server, .interrupted, .unexpectedAnswer, .pooled,
            .invalidValue:
            false
        }
    }

    /// The last error, with what the others said.
    var summary: ConnectionError? {
        guard var last = errors.last, errors.count > 1, last.code != .interrupted else {
            return errors.last
        }
        last.message = errors.map(\.message).joined(separator: "; ")
        last.server?.message = last.message
        return last
    }
}
