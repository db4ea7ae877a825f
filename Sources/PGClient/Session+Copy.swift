internal import CLibpq

extension Session {
    /// Starts `COPY ... TO STDOUT`; then call ``nextCopyData(_:)`` until it returns false.
    public func beginCopyOut(_ sql: String) throws(ConnectionError) {
        try beginCopy(sql, expecting: PGRES_COPY_OUT)
    }

    /// Lends the next CopyData payload, in text form one row with its newline.
    ///
    /// - Parameter body: The bytes are valid only inside it.
    /// - Returns: false at the end of the copy, whose success has then been checked.
    public func nextCopyData(
        _ body: (UnsafeRawBufferPointer) throws(ConnectionError) -> Void
    ) throws(ConnectionError) -> Bool {
        while true {
            var buffer: UnsafeMutablePointer<CChar>?
            let count = PQgetCopyData(connection, &buffer, 1)
            if count > 0, let buffer {
                // SAFETY: libpq allocated `count` bytes for us; freed when the body is done.
                defer { PQfreemem(buffer) }
                try body(UnsafeRawBufferPointer(start: buffer, count: Int(count)))
                return true
            }
            switch count {
            case 0:
                let wakeup = try wait(reading: true, writing: false, attempting: "read COPY data")
                if wakeup == .ready, PQconsumeInput(connection) == 0 {
                    throw lost("read COPY data")
                }
            case -1:
                _ = try finishCopy("finish COPY TO")
                return false
            default:
                throw lost("read COPY data")
            }
        }
    }

    /// Starts `COPY ... FROM STDIN`; then ``putCopyData(_:)`` and ``endCopyIn()``.
    public func beginCopyIn(_ sql: String) throws(ConnectionError) {
        try beginCopy(sql, expecting: PGRES_COPY_IN)
    }

    /// More than this is not left in libpq's buffer, which would grow without a bound while the
    /// server is behind: in non-blocking mode libpq never refuses data.
    private static let mostUnflushed = 1 << 16

    /// Queues bytes of the copy, waiting while the server is behind.
    public func putCopyData(_ bytes: UnsafeRawBufferPointer) throws(ConnectionError) {
        let attempted = "send COPY data"
        while true {
            let sent = PQputCopyData(
                connection, bytes.assumingMemoryBound(to: CChar.self).baseAddress,
                Int32(bytes.count))
            if sent == 1 { break }
            if sent < 0 { throw lost(attempted) }
            try flush(attempting: attempted)
        }
        unflushedCopyBytes += bytes.count
        guard unflushedCopyBytes >= Session.mostUnflushed else { return }
        try flush(attempting: attempted)
        unflushedCopyBytes = 0
    }

    /// Ends the copy and returns the rows that the server took.
    public func endCopyIn() throws(ConnectionError) -> Int {
        let attempted = "finish COPY FROM"
        while true {
            let sent = PQputCopyEnd(connection, nil)
            if sent == 1 { break }
            if sent < 0 { throw lost(attempted) }
            try flush(attempting: attempted)
        }
        try flush(attempting: attempted)
        return try finishCopy(attempted)
    }

    /// Ends the copy without its rows: the server rolls it back, which is no error here.
    public func abandonCopyIn() throws(ConnectionError) {
        let attempted = "abandon COPY FROM"
        while true {
            let sent = PQputCopyEnd(connection, "abandoned")
            if sent == 1 { break }
            if sent < 0 { throw lost(attempted) }
            try flush(attempting: attempted)
        }
        try flush(attempting: attempted)
        try drainResults(attempted)
    }

    func beginCopy(_ sql: String, expecting status: ExecStatusType) throws(ConnectionError) {
        let attempted = Session.attempt(sql)
        guard PQsendQuery(connection, sql) == 1 else { throw lost(attempted) }
        try flush(attempting: attempted)
        guard let pointer = try nextResult(attempting: attempted) else {
            throw failure(.unexpectedAnswer, attempting: attempted, message: "no answer")
        }
        let result = ResultHandle(pointer)
        if result.status == status { return }
        if result.status == PGRES_FATAL_ERROR {
            let error = ServerError(result.pointer)
            if !error.endsSession { try drainResults(attempted) }
            throw resultFailure(error, attempting: attempted)
        }
        throw unexpected(result.status, attempting: attempted)
    }

    private func finishCopy(_ attempted: String) throws(ConnectionError) -> Int {
        var rows = 0
        var firstError: ServerError?
        while let pointer = try nextResult(attempting: attempted) {
            let result = ResultHandle(pointer)
            if result.status == PGRES_FATAL_ERROR {
                firstError = firstError ?? ServerError(result.pointer)
            } else if result.status == PGRES_COMMAND_OK {
                rows = result.affectedRows
            }
            if firstError?.endsSession == true { break }
        }
        if let firstError { throw resultFailure(firstError, attempting: attempted) }
        return rows
    }

    private func drainResults(_ attempted: String) throws(ConnectionError) {
        while let pointer = try nextResult(attempting: attempted) { PQclear(pointer) }
    }
}
