internal import LeatCore
internal import LeatFlow
internal import Logging
internal import Synchronization

/// Bounds the disk that a spool takes: at the limit the reading stops, and the source keeps its
/// WAL, until the target has taken some of the spool.
///
/// What is over the limit all the same: the rest of a transaction that had begun, which nobody can
/// take before it is whole, and some megabytes that were received.
final class SpoolLimit: Sendable {
    private struct State {
        /// Of all segments, and what was appended since the last look at them.
        var total = 0
        var least = 0
        var isFull = false
    }

    private let bytes: Int
    private let stop: StopSignal
    private let logger: Logger
    private let state = Mutex(State())

    private static let look: Duration = .milliseconds(50)

    /// - Parameter stop: Of the recording. What was received by then is stored.
    init(_ bytes: Int, stop: StopSignal, logger: Logger) {
        self.bytes = bytes
        self.stop = stop
        self.logger = logger
    }

    var isFull: Bool { state.withLock { $0.isFull } }

    /// The segments take so much now.
    ///
    /// - Parameter least: What of it can never be removed. A limit below it is none.
    func measured(_ total: Int, least: Int) {
        change { state in
            state.total = total
            state.least = max(state.least, least)
        }
    }

    func appended(_ count: Int) {
        guard count > 0 else { return }
        change { $0.total += count }
    }

    private func change(_ body: (inout State) -> Void) {
        let (was, now) = state.withLock { state in
            let was = state.isFull
            body(&state)
            // Reading goes on when there is room again for some of it, not for a single batch.
            state.isFull = state.total >= max(was ? bytes / 10 * 9 : bytes, state.least * 2)
            return (was, state)
        }
        guard now.isFull != was else { return }
        if now.isFull {
            logger.warning(
                """
                the spool has reached its limit: the source is not read until the target has \
                taken some of it, and keeps its WAL meanwhile
                """, metadata: ["limit": "\(bytes)", "spool": "\(now.total)"])
        } else {
            logger.info("the spool has room again", metadata: ["spool": "\(now.total)"])
        }
    }

    func waitForRoom() async throws {
        while state.withLock({ $0.isFull }), !stop.isRequested {
            try await Task.sleep(for: SpoolLimit.look)
        }
    }
}
