internal import CLibpq
internal import Dispatch
internal import Glibc

// SAFETY: used by one thread after it was made: that which sends, or that which lets go.

/// Asks the server to cancel what a session is running: "Canceling Queries in Progress" in the
/// manual.
///
/// The statement then ends with `query_canceled`, or as if nothing had been asked. From libpq 17 on
/// the request is sent like the session itself, with TLS where that has it; an older libpq sends it
/// in the clear, with the key by which this session could be cancelled by others.
public final class CancelRequest: @unchecked Sendable {
    private let pointer: OpaquePointer
    private static let encrypted = EncryptedCancel()

    /// Whether requests of TLS sessions are sent by TLS, too.
    public static var isEncrypted: Bool { encrypted != nil }

    init?(_ connection: OpaquePointer?) {
        guard let connection,
            let pointer = CancelRequest.encrypted?.create(connection) ?? PQgetCancel(connection)
        else { return nil }
        self.pointer = pointer
    }

    deinit {
        if let encrypted = CancelRequest.encrypted {
            encrypted.finish(pointer)
        } else {
            PQfreeCancel(pointer)
        }
    }

    /// On a thread that nobody waits for: the request needs a connection of its own. Once.
    public func sendInBackground() {
        DispatchQueue.global().async {
            if let encrypted = CancelRequest.encrypted {
                _ = encrypted.send(self.pointer)
            } else {
                var reason = [CChar](repeating: 0, count: 256)
                PQcancel(self.pointer, &reason, Int32(reason.count))
            }
        }
    }
}

/// What libpq has from 17 on, looked for while running: one program runs with any libpq.
private struct EncryptedCancel: Sendable {
    typealias Create = @convention(c) @Sendable (OpaquePointer?) -> OpaquePointer?
    typealias Send = @convention(c) @Sendable (OpaquePointer?) -> Int32
    typealias Finish = @convention(c) @Sendable (OpaquePointer?) -> Void

    /// `PQcancelCreate`, on the thread that has the connection.
    let create: Create
    /// `PQcancelBlocking`, on any thread.
    let send: Send
    let finish: Finish

    init?() {
        guard let create = dlsym(nil, "PQcancelCreate"),
            let send = dlsym(nil, "PQcancelBlocking"), let finish = dlsym(nil, "PQcancelFinish")
        else { return nil }
        // SAFETY: the functions of these names have these types: "libpq-fe.h" of 17.
        self.create = unsafeBitCast(create, to: Create.self)
        self.send = unsafeBitCast(send, to: Send.self)
        self.finish = unsafeBitCast(finish, to: Finish.self)
    }
}
