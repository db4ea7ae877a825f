internal import CLibpq

// Reading a stream, in steps that the caller puts together: take what libpq holds; when that is
// used up, wait until the socket has something, perhaps nap, and read it.

extension Session {
    /// How ``Session/takePayloads(stopsAtNotices:_:)`` ended.
    public enum Taken: Sendable, Equatable {
        /// Everything that libpq holds was taken, if there was anything.
        case all
        /// The caller wanted no more; what is left stays with libpq.
        case some
        /// The server ended the stream in order.
        case ended
        /// The server has said something that belongs before what comes next:
        /// ``Session/takeWarnings()``.
        case noticed
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

    /// What becomes of rows that the server sends one by one while nobody reads.
    public enum Gathering: Sendable, Equatable {
        /// They stay apart: a Unix socket's buffer fills up with as few messages as it takes to
        /// make a server wait.
        case none
        /// TCP from another host: they come together in this side's socket.
        case network
        /// TCP within this host: see ``gatherAtSender()``.
        case withinHost
        /// The same with TLS: each row is a record of its own, and takes long to read.
        case withinHostInRecords

        /// Rows gather in the server's own socket, where they cost it least.
        public var isAtSender: Bool { self == .withinHost || self == .withinHostInRecords }
    }

    /// How this connection's rows may gather.
    public var gathering: Gathering {
        let socket = PQsocket(connection)
        guard leat_socket_is_local(socket) == 0 else { return .none }
        guard leat_socket_is_within_host(socket) != 0 else { return .network }
        return PQsslInUse(connection) == 0 ? .withinHost : .withinHostInRecords
    }

    /// Lets rows come together in the server's socket instead of this one.
    ///
    /// Within a host the server itself carries each row through the network's layers to this
    /// side's socket, as a packet of its own, as long as there is room: measured, 3 µs of its
    /// processor a row, as much as all its decoding. Once this side's buffer is full it only adds
    /// to its own, for 0.6 µs, and what has come together there passes in large pieces, at once,
    /// whenever this side reads. From another host it would have to wait for a round trip.
    ///
    /// Call it before anything large is read: a sender that has seen a large window waits until
    /// half of it is free, which would then be never.
    public func gatherAtSender() {
        leat_socket_limit_receive_buffer(PQsocket(connection), Session.smallBuffer)
    }

    private static let smallBuffer: Int32 = 64 << 10

    /// Bytes that can be read without waiting.
    public var bytesWaiting: Int { Int(leat_socket_waiting(PQsocket(connection))) }

    /// Lends the CopyData payloads that libpq holds, one after the other, without waiting.
    ///
    /// With TLS each row is a record, and libpq reads one record at a time. Those that are there
    /// are read here: to go back to the caller for each costs more than the row itself.
    ///
    /// - Parameters:
    ///   - stopsAtNotices: Whether to return when the server sends a notice, before anything that
    ///     came after it is lent.
    ///   - body: Its bytes are valid only inside it. It says whether it wants another.
    /// - Throws: ``ConnectionError``, and what `body` throws.
    public func takePayloads(
        stopsAtNotices: Bool = false, _ body: (RawSpan) throws -> Bool
    ) throws -> Taken {
        let attempted = "read the stream"
        if let held = heldPayload {
            heldPayload = nil
            guard try lend(held, to: body) else { return .some }
        }
        var recordsLeft = PQsslInUse(connection) == 0 ? 0 : Session.recordsAtOnce
        while true {
            var buffer: UnsafeMutablePointer<CChar>?
            let count = PQgetCopyData(connection, &buffer, 1)
            // libpq met the notice on its way to this payload.
            if stopsAtNotices, notices.isFresh, count >= 0 {
                heldPayload = buffer.map { .init(start: $0, count: Int(count)) }
                return .noticed
            }
            guard count > 0, let buffer else {
                if count == 0 {
                    guard recordsLeft > 0, bytesWaiting > 0 else { return .all }
                    recordsLeft -= 1
                    try readStream()
                    continue
                }
                if count < -1 { throw lost(attempted) }
                try finishStream(attempted)
                return .ended
            }
            guard try lend(.init(start: buffer, count: Int(count)), to: body) else { return .some }
        }
    }

    @inline(__always)
    private func lend(
        _ payload: UnsafeMutableRawBufferPointer, to body: (RawSpan) throws -> Bool
    ) throws -> Bool {
        // SAFETY: from libpq, lent until they are freed.
        defer { PQfreemem(payload.baseAddress) }
        return try body(UnsafeRawBufferPointer(payload).bytes)
    }

    /// Some hundred microseconds' worth.
    private static let recordsAtOnce = 256

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

    /// Takes what the socket has into libpq's buffer, for
    /// ``takePayloads(stopsAtNotices:_:)``.
    public func readStream() throws(ConnectionError) {
        if PQconsumeInput(connection) == 0 { throw lost("read the stream") }
    }

    /// The same.
    ///
    /// libpq reads on while there is more, until its buffer is full. Asked again before that was
    /// taken it would double the buffer, every time.
    ///
    /// - Returns: How many bytes there were at first, and whether that was all. After a large piece
    ///   it was not, even if nothing more is there: the server's kernel may send the next a moment
    ///   later.
    public func readLargely() throws(ConnectionError) -> (bytes: Int, isAll: Bool) {
        let bytes = bytesWaiting
        try readStream()
        return (bytes, bytes < Session.largePiece && bytesWaiting == 0)
    }

    private static let largePiece = 16 << 10

    private func finishStream(_ attempted: String) throws(ConnectionError) {
        while let pointer = try nextResult(attempting: attempted) {
            let result = ResultHandle(pointer)
            if result.status == PGRES_FATAL_ERROR {
                throw resultFailure(ServerError(result.pointer), attempting: attempted)
            }
            if result.status == PGRES_COPY_IN { break }
        }
    }
}
