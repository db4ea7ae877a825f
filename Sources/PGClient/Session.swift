internal import CLibpq
internal import Glibc

/// One libpq connection with blocking calls that an ``Interrupt`` can end.
///
/// A session belongs to one thread at a time: an actor with a ``ConnectionExecutor`` owns it.
/// libpq is used in its non-blocking mode throughout, and all waiting is in `wait`.
public final class Session {
    /// How a connection is opened.
    public struct Options: Sendable {
        /// Which side it is, for errors.
        public var peer: Peer
        /// What the server shows of it.
        public var applicationName: String
        /// `replication=database`: a walsender for logical replication.
        public var isReplication: Bool
        /// For each host of the connection string.
        public var connectTimeout: Duration
        /// For waits that have no deadline of their own.
        public var silence: Silence?

        /// What is the same whatever the connection is for has a default.
        public init(
            peer: Peer, applicationName: String, isReplication: Bool = false,
            connectTimeout: Duration = .seconds(15), silence: Silence? = nil
        ) {
            self.peer = peer
            self.applicationName = applicationName
            self.isReplication = isReplication
            self.connectTimeout = connectTimeout
            self.silence = silence
        }

        var parameters: [String: String] {
            var parameters = [
                "application_name": applicationName,
                // A dead peer is noticed within a minute, even in the middle of a wait.
                "keepalives": "1", "keepalives_idle": "15", "keepalives_interval": "10",
                "keepalives_count": "3", "tcp_user_timeout": "60000",
            ]
            if isReplication { parameters["replication"] = "database" }
            return parameters
        }
    }

    enum Wakeup { case ready, woken, deadline }

    /// Side and place, without a password: for errors.
    public let endpoint: String
    /// Which side it is, for errors.
    public let peer: Peer
    /// Ends the wait of whatever runs here.
    public let interrupt: Interrupt
    // SAFETY: owned by this object, used only on the owner's thread, closed once in `close()`.
    var connection: OpaquePointer?
    /// TLS only: the next wait is to look for decrypted bytes before it polls the socket.
    private var mayHoldDecryptedBytes = false
    /// COPY data given to libpq since its buffer was last known to be empty.
    var unflushedCopyBytes = 0
    /// Received, and not yet lent: a notice came before it.
    var heldPayload: UnsafeMutableRawBufferPointer?
    let notices = NoticeBook()
    private let silence: Silence?

    /// Opens a connection: to the first of its hosts that lets it in.
    ///
    /// - Throws: ``ConnectionError``: `connectFailed` (with the server's words), `timedOut` or
    ///   `interrupted`.
    ///
    /// No session is without ``SessionSettings``: whoever owns the database or the role may have
    /// set a `search_path` that puts functions of theirs before the server's.
    public init(
        _ conninfo: Conninfo, options: Options, interrupt: Interrupt = Interrupt()
    ) throws(ConnectionError) {
        endpoint = "\(options.peer) (\(conninfo.redacted))"
        peer = options.peer
        self.interrupt = interrupt
        silence = options.silence
        guard interrupt.isUsable else {
            throw failure(
                .connectFailed, attempting: "connect",
                message: "this process may open no more files")
        }
        guard ConnectionExecutor.mayWait else {
            throw failure(
                .connectFailed, attempting: "connect",
                message: "this process may begin no more threads")
        }
        var failures = ConnectFailures()
        let hosts = conninfo.hosts
        for host in hosts where failures.goOn {
            do {
                try connect(host, options: options, isOnly: hosts.count == 1)
                try settle()
                return
            } catch {
                close()
                failures.add(error)
            }
        }
        throw failures.summary
            ?? failure(.connectFailed, attempting: "connect", message: "there is no host")
    }

    private func settle() throws(ConnectionError) {
        // Settings would reach the sessions of others.
        guard try !isPooled() else {
            throw failure(
                .pooled, attempting: "connect", message: "a connection pooler stands between")
        }
        try applySettings(clientEncoding: "UTF8")
    }

    private func connect(
        _ host: Conninfo, options: Options, isOnly: Bool
    ) throws(ConnectionError) {
        connection = Session.start(host.parameters(overriding: options.parameters))
        // A failed connection has no SQLSTATE but in its text.
        PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
        notices.collect(from: connection)
        let timeout = isOnly ? options.connectTimeout : min(.seconds(5), options.connectTimeout)
        try finishConnecting(by: .now + (host.connectTimeout ?? timeout))
        PQsetErrorVerbosity(connection, PQERRORS_DEFAULT)
        PQsetnonblocking(connection, 1)
    }

    deinit {
        close()
    }

    /// Ends the session; does nothing to one that is closed.
    public func close() {
        guard let open = connection else { return }
        PQfreemem(heldPayload?.baseAddress)
        heldPayload = nil
        PQfinish(open)
        connection = nil
    }

    private static func start(_ parameters: [String: String]) -> OpaquePointer? {
        let pairs = parameters.map { (strdup($0.key), strdup($0.value)) }
        defer { for (key, value) in pairs { free(key); free(value) } }
        var keys = pairs.map { UnsafePointer($0.0) } + [nil]
        var values = pairs.map { UnsafePointer($0.1) } + [nil]
        // SAFETY: both arrays end in NULL and live through the call; libpq copies the strings.
        return PQconnectStartParams(&keys, &values, 0)
    }

    private func finishConnecting(
        by deadline: ContinuousClock.Instant
    ) throws(ConnectionError) {
        guard connection != nil, PQstatus(connection) != CONNECTION_BAD else {
            throw connectFailure()
        }
        // Before the first PQconnectPoll the manual says to wait for writing.
        var state = PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            guard state != PGRES_POLLING_FAILED else { throw connectFailure() }
            let wakeup = try wait(
                reading: state == PGRES_POLLING_READING, writing: state == PGRES_POLLING_WRITING,
                until: deadline, attempting: "connect")
            guard wakeup != .deadline else {
                throw failure(.timedOut, attempting: "connect", message: "no answer in time")
            }
            if wakeup == .ready { state = PQconnectPoll(connection) }
        }
    }

    private func connectFailure() -> ConnectionError {
        let answer = ConnectAnswer(lastMessage)
        var error = failure(.connectFailed, attempting: "connect", message: answer.message)
        if let sqlState = answer.sqlState {
            var server = ServerError(
                severity: "FATAL", sqlState: sqlState, message: answer.message)
            server.function = answer.function
            error.server = server
        }
        error.lacksPassword = PQconnectionNeedsPassword(connection) == 1
        return error
    }

    // MARK: Waiting

    /// Waits for the socket, the interrupt or the deadline, whichever comes first.
    func wait(
        reading: Bool, writing: Bool, until deadline: ContinuousClock.Instant? = nil,
        attempting attempted: @autoclosure () -> String
    ) throws(ConnectionError) -> Wakeup {
        if reading, mayHoldDecryptedBytes {
            mayHoldDecryptedBytes = false
            return .ready
        }
        var events: Int16 = 0
        if reading { events |= Int16(POLLIN) }
        if writing { events |= Int16(POLLOUT) }
        var silent = deadline == nil ? silence.map { SilentWait($0, at: .now) } : nil
        while true {
            let until =
                if let deadline { deadline } else {
                    try silentStep(&silent, attempting: attempted())
                }
            var descriptors = [
                pollfd(fd: PQsocket(connection), events: events, revents: 0),
                pollfd(fd: interrupt.pollDescriptor, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&descriptors, 2, Session.milliseconds(until: until))
            if interrupt.isCancelled { throw interrupted(attempted()) }
            if count < 0 && errno != EINTR { throw lost(attempted()) }
            if count > 0 {
                if descriptors[0].revents != 0 {
                    // A TLS record may hold more than libpq took of it; the socket does not
                    // tell. So the wait after a successful one returns without waiting.
                    mayHoldDecryptedBytes = reading && PQsslInUse(connection) != 0
                    return .ready
                }
                interrupt.clear()
                return .woken
            }
            if let deadline, deadline <= .now { return .deadline }
        }
    }

    /// - Returns: When to ask again; nil for never.
    private func silentStep(
        _ silent: inout SilentWait?, attempting attempted: @autoclosure () -> String
    ) throws(ConnectionError) -> ContinuousClock.Instant? {
        guard let silence else { return nil }
        while let step = silent?.next(at: .now) {
            switch step {
            case .wait(let until): return until
            case .tell: silence.tell(endpoint, attempted())
            case .giveUp:
                throw failure(
                    .timedOut, attempting: attempted(),
                    message: "no answer for \(silence.limit ?? silence.toldAfter)")
            }
        }
        return nil
    }

    private static func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let left = deadline - .now
        guard left > .zero else { return 0 }
        let (seconds, attoseconds) = left.components
        // Rounded up: a wait that ends early would spin until its deadline.
        return Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }

    /// Sends what is queued, taking in what the server sends meanwhile: a server that cannot
    /// get rid of its answers stops reading.
    func flush(attempting attempted: @autoclosure () -> String) throws(ConnectionError) {
        while true {
            let left = PQflush(connection)
            if left == 0 { return }
            if left < 0 { throw lost(attempted()) }
            let wakeup = try wait(reading: true, writing: true, attempting: attempted())
            if wakeup == .ready, PQconsumeInput(connection) == 0 { throw lost(attempted()) }
        }
    }

    /// The next result, or nil at the end of a command's results.
    func nextResult(
        attempting attempted: @autoclosure () -> String
    ) throws(ConnectionError) -> OpaquePointer? {
        while PQisBusy(connection) != 0 {
            let wakeup = try wait(reading: true, writing: false, attempting: attempted())
            if wakeup == .ready, PQconsumeInput(connection) == 0 { throw lost(attempted()) }
        }
        return PQgetResult(connection)
    }

    // MARK: Errors

    /// Warnings that the server has sent since the last call; the first of them, where there are
    /// very many. A walsender sends them between the messages of its stream.
    public func takeWarnings() -> [ServerError] {
        notices.take()
    }

    var lastMessage: String {
        let text = connection.map { String(cString: PQerrorMessage($0)) } ?? "out of memory"
        // libpq's messages have several lines, some indented, and end with a newline.
        return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    var isBroken: Bool { PQstatus(connection) == CONNECTION_BAD }

    func failure(
        _ code: ConnectionError.Code, attempting attempted: String, message: String,
        server: ServerError? = nil
    ) -> ConnectionError {
        var error = ConnectionError(
            code, attempted: attempted, endpoint: endpoint, message: message, server: server)
        error.peer = peer
        // SAFETY: NULL for a closed connection; else strings that live as long as it does.
        error.role = PQuser(connection).map { String(cString: $0) }
        error.database = PQdb(connection).map { String(cString: $0) }
        return error
    }

    func lost(_ attempted: String) -> ConnectionError {
        failure(.lost, attempting: attempted, message: lastMessage)
    }

    func serverFailure(_ error: ServerError, attempting attempted: String) -> ConnectionError {
        failure(
            error.endsSession ? .lost : .server, attempting: attempted, message: error.message,
            server: error)
    }

    /// To cancel from another thread what this session is running, and still learn how it ended.
    public var cancelRequest: CancelRequest? { CancelRequest(connection) }

    /// The socket's end is all that a waiting server could notice, and it does not look while
    /// it waits for a lock. So the running statement is cancelled, on a thread that nobody
    /// waits for: the request needs a connection of its own.
    private func interrupted(_ attempted: String) -> ConnectionError {
        CancelRequest(connection)?.sendInBackground()
        return failure(.interrupted, attempting: attempted, message: "interrupted")
    }
}
