internal import CLibpq
internal import Glibc

extension Session {
    /// Runs one statement with text parameters and returns its rows.
    ///
    /// - Throws: ``ConnectionError``; after `server` the session is usable again (and, inside a
    ///   transaction block, the transaction is aborted).
    @discardableResult
    public func query(
        _ sql: String, with parameters: [String?] = []
    ) throws(ConnectionError) -> QueryResult {
        try finish(sendParameters(parameters, of: sql), of: sql)
    }

    /// - Returns: libpq's: 1 if it has taken the statement.
    func sendParameters(
        _ parameters: [String?], of sql: String
    ) throws(ConnectionError) -> Int32 {
        try checkNoNUL(parameters, of: sql)
        return Session.withCStrings(parameters) { values, count in
            PQsendQueryParams(connection, sql, count, nil, values, nil, nil, 0)
        }
    }

    /// Lends the strings as C strings; nil as a null pointer.
    static func withCStrings(
        _ strings: [String?],
        do body: (UnsafePointer<UnsafePointer<CChar>?>, Int32) -> Int32
    ) -> Int32 {
        let copies = strings.map { $0.flatMap { strdup($0) } }
        defer { for copy in copies { free(copy) } }
        return body(copies.map { UnsafePointer($0) }, Int32(copies.count))
    }

    /// Runs one or more statements by the simple protocol, the only one that a walsender knows.
    /// Returns the last result.
    ///
    /// - Parameters:
    ///   - sql: The statements.
    ///   - sent: Called when they have left and before their answer is waited for.
    @discardableResult
    public func execute(
        _ sql: String, sent: () -> Void = {}
    ) throws(ConnectionError) -> QueryResult {
        try finish(PQsendQuery(connection, sql), of: sql, whenSent: sent)
    }

    private func finish(
        _ sent: Int32, of sql: String, whenSent: () -> Void = {}
    ) throws(ConnectionError) -> QueryResult {
        let attempted = Session.attempt(sql)
        guard sent == 1 else { throw lost(attempted) }
        try flush(attempting: attempted)
        whenSent()
        var last = QueryResult()
        var firstError: ServerError?
        while let pointer = try nextResult(attempting: attempted) {
            let result = ResultHandle(pointer)
            switch result.status {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                last = result.queryResult()
            case PGRES_FATAL_ERROR:
                firstError = firstError ?? ServerError(result.pointer)
            default:
                throw unexpected(result.status, attempting: attempted)
            }
            if firstError?.endsSession == true { break }
        }
        if let firstError { throw resultFailure(firstError, attempting: attempted) }
        last.origin = QueryResult.Origin(sql: sql, endpoint: endpoint, peer: peer)
        return last
    }

    /// libpq reports a broken connection as a result too, without a SQLSTATE.
    func resultFailure(_ error: ServerError, attempting attempted: String) -> ConnectionError {
        let failure = serverFailure(error, attempting: attempted)
        guard isBroken, failure.code == .server else { return failure }
        return self.failure(.lost, attempting: attempted, message: error.message)
    }

    func unexpected(_ status: ExecStatusType, attempting attempted: String) -> ConnectionError {
        let name = String(cString: PQresStatus(status))
        return failure(
            .unexpectedAnswer, attempting: attempted, message: "unexpected answer \(name)")
    }

    /// Text travels as C strings: it would be cut silently.
    func checkNoNUL(
        _ parameters: [String?], of sql: String
    ) throws(ConnectionError) {
        for case let parameter? in parameters where parameter.utf8.contains(0) {
            throw failure(
                .invalidValue, attempting: Session.attempt(sql),
                message: "a parameter has a NUL byte in it")
        }
    }

    /// The statement's beginning: SQL here holds names, never cell values.
    static func attempt(_ sql: String) -> String { "run \(quoted(sql))" }

    static func quoted(_ sql: String) -> String {
        // A statement may name a thousand tables.
        let words = sql.prefix(400).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return "\"\(words.count > 80 ? words.prefix(77) + "..." : words[...])\""
    }
}
