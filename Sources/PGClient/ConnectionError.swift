public import PGWire

/// Which end of a stream a connection leads to.
public enum Peer: String, Sendable {
    case source, target
}

/// What a connection could not do. No password, whole connection string or cell value is in it.
public struct ConnectionError: Error, Sendable {
    /// What kind of trouble it is.
    public enum Code: Equatable, Sendable {
        /// The text given as a connection string cannot be used.
        case invalidConninfo
        /// No connection could be made; the server's answer, where there was one, is in `server`.
        case connectFailed
        /// The connection broke. What was under way is unknown, not failed.
        case lost
        /// The server answered with an error; the connection is usable.
        case server
        /// ``Interrupt/cancel()`` was called. The connection is only good for closing.
        case interrupted
        /// The deadline passed.
        case timedOut
        /// The server or libpq did something that the protocol does not allow here.
        case unexpectedAnswer
        /// Something between us and the server gives the session away.
        case pooled
        /// A value that must not be sent, for example text with a NUL byte in it.
        case invalidValue
    }

    /// What kind of trouble it is.
    public var code: Code
    /// What was attempted, as the start of a sentence: `connect`, `run "select ..."`.
    public var attempted: String
    /// Which server: `source` or `target`, with host, port, database and user; no secrets.
    public var endpoint: String
    /// What libpq or the server says, which may quote a value: printed by ``description``.
    public var message: String
    /// The server's report, where it is the server's.
    public var server: ServerError?
    /// Which side it came from.
    public var peer: Peer?
    /// Whom and where the session is of, as libpq has it; nil where it never began.
    public var role: String?
    /// The database that the session is in; nil where it never began.
    public var database: String?
    /// The server asked for a password, and libpq was given none.
    public var lacksPassword = false

    /// One without the server's report.
    public init(
        _ code: Code, attempted: String, endpoint: String, message: String,
        server: ServerError? = nil
    ) {
        self.code = code
        self.attempted = attempted
        self.endpoint = endpoint
        self.message = message
        self.server = server
    }

    /// The server's condition; nil where no server has spoken.
    public var sqlState: SQLState? { server?.sqlState }
}

extension ConnectionError: CustomStringConvertible {
    /// What was attempted, where, and what came of it; never a value.
    public var description: String {
        let reason = server.map(\.description) ?? message
        let place = attempted == "connect" ? "to" : "at"
        return "Cannot \(attempted) \(place) the \(endpoint): \(reason)"
    }
}
