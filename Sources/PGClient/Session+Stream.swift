internal import CLibpq

// Reading a stream, in steps that the caller puts together: take what libpq holds; when that is
// used up, wait until the socket has something, perhaps nap, and read it.

extension Session {
    /// How ``takePayloads(_:)`` ended.
    public enum Taken: Sendable, Equatable {
        /// Everything that libpq holds was taken, if there was anything.
        case all
        /// The caller wanted no more; what is left stays with libpq.
        case some
        /// The server ended the stream in order.
        case ended
    }

    /// Why ``waitForStream(until:)`` returned.
    public enum StreamEvent: Sendable, Equatable {
        case readable, deadline, woken
    }

    /// Makes libpq read in large pieces from now on.
    ///
    /// Its input buffer begins at 16 KiB, which would be a `recv` for every hundred rows; it
    /// grows for a message that does not fit, and never shrinks.
    ///
    /// - Parameter bytes: The size of such a message; the buffer becomes the next power of two.
    public func growInputBuffer(for bytes: Int) throws(ConnectionError) {
        try execute("select pg_catalog.repeat('x', \(bytes))")
    }

    /// Whether the kernel puts what the server sends row by row together while nobody reads:
    /// over TCP. A Unix socket's buffer fills up with as few messages as it takes to make a
    /// server wait, and TLS makes a record of every row.
    public var socketCoalesces: Bool {
        PQsslInUse(connection) == 0 && leat_socket_is_local(PQsocket(connection)) == 0
    }

    /// Bytes that can be read without waiting.
    public var bytesWaiting: Int { Int(leat_socket_waiting(PQsocket(connection))) }

    /// Lends the CopyData payloads that libpq holds, one after the other, without waiting.
    ///
    /// - Parameter body: Its bytes are valid only inside it. It says whether it wants another.
    /// - Throws: ``ConnectionError``, and what `body` throws.
    public func takePayloads(_ body: (RawSpan) throws -> Bool) throws -> Taken {
        let attempted = "read the stream"
        while true {
            var buffer: UnsafeMutablePointer<CChar>?
            let count = PQgetCopyData(connection, &buffer, 1)
            guard count > 0, let buffer else {
                if count == 0 { return .all }
                if count < -1 { throw lost(attempted) }
                try finishStream(attempted)
                return .ended
            }
            // SAFETY: `count` bytes from libpq, lent until they are freed.
            defer { PQfreemem(buffer) }
            let payload = UnsafeRawBufferPointer(start: buffer, count: Int(count))
            guard try body(payload.bytes) else { return .some }
        }
    }

    /// Waits until there is something to read, the interrupt is woken, or the deadline passes.
    public func waitForStream(
        until deadline: ContinuousClock.Instant
    ) throws(ConnectionError) -> StreamEvent {
        let wakeup = try wait(
            reading: true, writing: false, until: deadline, attempting: "read the stream")
        return switch wakeup {
        case .ready: .readable
        case .woken: .woken
        case .deadline: .deadline
        }
    }

    /// Lets the socket fill for so long, or until the interrupt is woken.
    public func nap(for duration: Duration) throws(ConnectionError) {
        _ = try wait(
            reading: false, writing: false, until: .now + duration, attempting: "read the stream")
    }

    /// Takes what the socket has into libpq's buffer, for ``takePayloads(_:)``.
    public func readStream() throws(ConnectionError) {
        if PQconsumeInput(connection) == 0 { throw lost("read the stream") }
    }

    private func finishStream(_ attempted: String) throws(ConnectionError) {
        while let pointer = try nextResult(attempting: attempted) {
            let result = ResultHandle(pointer)
            if result.status == PGRES_FATAL_ERROR {
                throw resultFailure(ServerError(result.pointer), attempted)
            }
            if result.status == PGRES_COPY_IN { break }
        }
    }
}
