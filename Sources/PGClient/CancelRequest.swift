internal import CLibpq
internal import Dispatch

/// Asks the server to cancel what a session is running: "Canceling Queries in Progress" in the
/// manual.
///
/// The statement then ends with `query_canceled`, or as if nothing had been asked.
// SAFETY: a PGcancel is immutable once made; libpq documents PQcancel as thread-safe.
public final class CancelRequest: @unchecked Sendable {
    private let pointer: OpaquePointer

    init?(_ connection: OpaquePointer?) {
        guard let connection, let pointer = PQgetCancel(connection) else { return nil }
        self.pointer = pointer
    }

    deinit {
        PQfreeCancel(pointer)
    }

    /// On a thread that nobody waits for: the request needs a connection of its own.
    public func sendInBackground() {
        DispatchQueue.global().async {
            var reason = [CChar](repeating: 0, count: 256)
            PQcancel(self.pointer, &reason, Int32(reason.count))
        }
    }
}
