public import PGWire

/// Which end of a stream a connection leads to.
public enum Peer: String, Sendable {
    case source, target
}

/// What a connection could not do. No password, whole connection string or cell value is in it.
public struct ConnectionError: Error, Sendable {
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

    public var code: Code
    /// What was attempted, as the start of a sentence: `connect`, `run "select ..."`.
    public var attempted: String
    /// Which server: `source` or `target`, with host, port, database and user; no secrets.
    public var endpoint: String
    public var message: String
    public var server: ServerError?
    public var peer: Peer?
    /// Whom and where the session is of, as libpq has it; nil where it never began.
    public var role: String?
    public var database: String?
    /// The server asked for a password, and libpq was given none.
    public var lacksPassword = false

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

    public var sqlState: SQLState? { server?.sqlState }
}

extension ConnectionError: CustomStringConvertible {
    public var description: String {
        let reason = server.map(\.description) ?? message
        let place = attempted == "connect" ? "to" : "at"
        return "Cannot \(attempted) \(place) the \(endpoint): \(reason)"
    }
}
