#if DEBUG
internal import Glibc
#endif

/// A place where a test may end the process as a power cut would: with SIGKILL.
///
/// Named in the environment variable `LEAT_FAILPOINT`, as `name` or `name:N` for the Nth
/// passage. Release builds have none of it.
public struct FailPoint: Sendable {
    let name: StaticString

    /// A place of this name, in lower case with hyphens.
    public init(_ name: StaticString) {
        self.name = name
    }

    /// A position is stored, and the server does not know of it yet.
    public static let storedNotConfirmed = FailPoint("stored-not-confirmed")

    #if DEBUG
    /// Ends the process here, if this is the place and the passage that the environment names.
    public func reached() {
        FailPoints.shared.reached(self)
    }
    #else
    /// Nothing; some are passed once a message.
    @inlinable
    public func reached() {}
    #endif
}

#if DEBUG
internal import Synchronization

private final class FailPoints: Sendable {
    static let shared = FailPoints()

    private let name: String?
    private let passages: Atomic<Int>

    private init() {
        let parts = getenv("LEAT_FAILPOINT").map {
            String(cString: $0).split(separator: ":").map(String.init)
        }
        name = parts?.first
        passages = Atomic(parts?.dropFirst().first.flatMap(Int.init) ?? 1)
    }

    func reached(_ point: FailPoint) {
        guard name == "\(point.name)" else { return }
        if passages.subtract(1, ordering: .relaxed).newValue == 0 { kill(getpid(), SIGKILL) }
    }
}
#endif
