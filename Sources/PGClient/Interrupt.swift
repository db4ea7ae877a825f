internal import CLibpq
internal import Synchronization

/// Ends or wakes a wait of a ``Session`` from any thread, in about a millisecond.
///
/// A session waits in `poll` on its socket and on this object's `eventfd`, so neither call here
/// touches libpq.
public final class Interrupt: Sendable {
    private let descriptor: Int32
    private let cancelled = Atomic<Bool>(false)

    /// Makes the descriptor that wakes the wait.
    public init() {
        descriptor = leat_event_create()
    }

    deinit {
        if isUsable { close(descriptor) }
    }

    /// Whether the process had a descriptor left for it. Without one no session begins.
    var isUsable: Bool { descriptor >= 0 }

    /// Ends the current wait and every later one with ``ConnectionError/Code/interrupted``.
    /// It cannot be undone: the session is only good for closing.
    public func cancel() {
        cancelled.store(true, ordering: .releasing)
        leat_event_raise(descriptor)
    }

    /// Makes a waiting `receive` return early, once. Other waits go on.
    public func wake() {
        leat_event_raise(descriptor)
    }

    /// It was cancelled, and stays so.
    public var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    var pollDescriptor: Int32 { descriptor }

    func clear() {
        leat_event_clear(descriptor)
    }
}
